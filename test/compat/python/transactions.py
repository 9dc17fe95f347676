"""BOOTSTRAP TOPIC ID: commits a transaction with 'kept', aborts one with 'dropped', commits 'last'."""

import sys

from confluent_kafka import Producer

bootstrap, topic, transactional_id = sys.argv[1:]
producer = Producer({"bootstrap.servers": bootstrap, "transactional.id": transactional_id})
producer.init_transactions(30)
for value, commit in (("kept", True), ("dropped", False), ("last", True)):
    producer.begin_transaction()
    producer.produce(topic, value)
    # An abort throws away what was not sent yet.
    producer.flush()
    if commit:
        producer.commit_transaction(30)
    else:
        producer.abort_transaction(30)
