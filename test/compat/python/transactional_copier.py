"""BOOTSTRAP INPUT OUTPUT ID: as TransactionalCopier.java, through librdkafka."""

import os
import sys
import threading

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, Producer
from confluent_kafka import TopicPartition

bootstrap, source, target, name = sys.argv[1:]
end = threading.Event()
log = os.environ.get("COPIER_LOG")
if log:
    os.dup2(os.open(log, os.O_CREAT | os.O_WRONLY | os.O_APPEND), sys.stderr.fileno())
FENCED = (KafkaError._FENCED, KafkaError.PRODUCER_FENCED, KafkaError.INVALID_PRODUCER_EPOCH)


def wait_for_end_of_input():
    sys.stdin.read()
    end.set()


def repeatedly(ask):
    """Calls `ask` until it is done; whatever else is wrong is raised."""
    while True:
        try:
            return ask()
        except KafkaException as exception:
            error = exception.args[0]
            if not error.retriable() and error.code() != KafkaError._TIMED_OUT:
                raise


threading.Thread(target=wait_for_end_of_input, daemon=True).start()
common = {
    "bootstrap.servers": bootstrap,
    "socket.timeout.ms": 5000,
    "reconnect.backoff.max.ms": 100,
    **({"debug": "eos,cgrp"} if log else {"log_level": 0}),
    # After a new bootstrap it waits up to 20 s before it commits offsets through the broker it knows.
    "metadata.recovery.strategy": "none",
}
consumer = Consumer(
    {
        **common,
        "group.id": name,
        "isolation.level": "read_committed",
        "enable.auto.commit": False,
        "auto.offset.reset": "earliest",
    }
)
producer = Producer(
    {
        **common,
        "transactional.id": name,
        "transaction.timeout.ms": 60000,
        "linger.ms": 1,
    }
)


def committed():
    ask = lambda: consumer.committed([TopicPartition(source, 0)], 5)
    offset = repeatedly(ask)[0].offset
    return TopicPartition(source, 0, offset if offset >= 0 else OFFSET_BEGINNING)


repeatedly(lambda: producer.init_transactions(10))
print("ready", flush=True)
consumer.assign([committed()])
number = 0
while not end.is_set():
    records = [one for one in consumer.consume(10, 0.2) if not one.error()]
    if not records:
        continue
    number += 1
    outcome = "aborted"
    try:
        producer.begin_transaction()
        for record in records:
            producer.produce(target, str(record.offset()), partition=0)
        offsets = [TopicPartition(source, 0, records[-1].offset() + 1)]
        member = consumer.consumer_group_metadata()
        repeatedly(lambda: producer.send_offsets_to_transaction(offsets, member, 10))
        if number % 5 == 0:
            repeatedly(lambda: producer.abort_transaction(10))
        else:
            repeatedly(lambda: producer.commit_transaction(10))
            outcome = "committed"
    except KafkaException as exception:
        error = exception.args[0]
        if error.code() in FENCED:
            print("fenced", flush=True)
            raise SystemExit(3)
        if not error.txn_requires_abort():
            raise
        repeatedly(lambda: producer.abort_transaction(10))
    print(outcome, flush=True)
    if outcome == "aborted":
        consumer.assign([committed()])
consumer.close()
