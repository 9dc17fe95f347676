"""produce BOOTSTRAP TOPIC LABEL COUNT CODEC | consume BOOTSTRAP TOPIC COUNT GROUP; see clients.ts."""

import asyncio
import sys

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer


async def produce(bootstrap, topic, label, count, codec):
    async with AIOKafkaProducer(
        bootstrap_servers=bootstrap,
        enable_idempotence=True,
        linger_ms=5,
        compression_type=None if codec == "none" else codec,
    ) as producer:
        sent = []
        for i in range(int(count)):
            key = f"{label}-{i}"
            value = '{"from":"%s","i":%d}' % (label, i)
            headers = [("from", label.encode())]
            future = await producer.send(topic, value.encode(), key=key.encode(), headers=headers)
            sent.append((key, future))
        for key, future in sent:
            at = await future
            print(at.partition, at.offset, key, sep="\t")


async def consume(bootstrap, topic, count, group):
    async with AIOKafkaConsumer(
        topic, bootstrap_servers=bootstrap, group_id=group, auto_offset_reset="earliest"
    ) as consumer:
        seen = 0
        async for message in consumer:
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
        await consumer.commit()


asyncio.run({"produce": produce, "consume": consume}[sys.argv[1]](*sys.argv[2:]))
