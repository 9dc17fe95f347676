"""produce BOOTSTRAP TOPIC LABEL COUNT CODEC | consume BOOTSTRAP TOPIC COUNT GROUP; see clients.ts."""

import sys

from kafka import KafkaConsumer, KafkaProducer


def produce(bootstrap, topic, label, count, codec):
    producer = KafkaProducer(
        bootstrap_servers=bootstrap,
        acks="all",
        linger_ms=5,
        compression_type=None if codec == "none" else codec,
    )
    sent = []
    for i in range(int(count)):
        key = f"{label}-{i}"
        value = '{"from":"%s","i":%d}' % (label, i)
        headers = [("from", label.encode())]
        sent.append((key, producer.send(topic, value.encode(), key=key.encode(), headers=headers)))
    producer.flush()
    for key, future in sent:
        at = future.get(timeout=30)
        print(at.partition, at.offset, key, sep="\t")
    producer.close()


def consume(bootstrap, topic, count, group):
    consumer = KafkaConsumer(
        topic, bootstrap_servers=bootstrap, group_id=group, auto_offset_reset="earliest"
    )
    seen = 0
    for message in consumer:
        headers = ",".join(f"{name}={value.decode()}" for name, value in message.headers)
        print(
            message.partition,
            message.offset,
            message.timestamp,
            message.key.decode(),
            message.value.decode(),
            headers,
            sep="\t",
        )
        seen += 1
        if seen == int(count):
            break
    consumer.commit()
    consumer.close()


{"produce": produce, "consume": consume}[sys.argv[1]](*sys.argv[2:])
