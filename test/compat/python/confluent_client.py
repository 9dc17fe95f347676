"""produce BOOTSTRAP TOPIC LABEL COUNT CODEC | consume BOOTSTRAP TOPIC COUNT GROUP [PROTOCOL]; see clients.ts."""

import sys

from confluent_kafka import Consumer, Producer


def produce(bootstrap, topic, label, count, codec):
    acked, failed = [], []

    def delivered(error, message):
        if error:
            failed.append(error)
        else:
            acked.append((message.partition(), message.offset(), message.key().decode()))

    producer = Producer(
        {
            "bootstrap.servers": bootstrap,
            "compression.type": codec,
            "enable.idempotence": True,
            "linger.ms": 5,
        }
    )
    for i in range(int(count)):
        value = '{"from":"%s","i":%d}' % (label, i)
        producer.produce(
            topic, value, key=f"{label}-{i}", headers={"from": label}, on_delivery=delivered
        )
        producer.poll(0)
    producer.flush()
    if failed:
        raise SystemExit(f"not delivered: {failed[0]}")
    for partition, offset, key in acked:
        print(partition, offset, key, sep="\t")


def consume(bootstrap, topic, count, group, protocol="classic"):
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": group,
            "group.protocol": protocol,
            "auto.offset.reset": "earliest",
        }
    )
    consumer.subscribe([topic])
    seen = 0
    while seen < int(count):
        message = consumer.poll(1)
        if message is None:
            continue
        if message.error():
            raise SystemExit(str(message.error()))
        headers = ",".join(f"{name}={value.decode()}" for name, value in message.headers() or [])
        print(
            message.partition(),
            message.offset(),
            message.timestamp()[1],
            message.key().decode(),
            message.value().decode(),
            headers,
            sep="\t",
        )
        seen += 1
    consumer.commit(asynchronous=False)
    consumer.close()


{"produce": produce, "consume": consume}[sys.argv[1]](*sys.argv[2:])
