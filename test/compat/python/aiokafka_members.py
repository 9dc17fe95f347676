"""BOOTSTRAP TOPIC GROUP: two members of a group until standard input closes; see groups/member-log.ts."""

import asyncio
import os
import sys
import time
import traceback

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener
from aiokafka.errors import KafkaError

bootstrap, topic, group = sys.argv[1:]


def say(name, what, facts):
    print(int(time.time() * 1000), name, what, facts, flush=True)


class Listener(ConsumerRebalanceListener):
    """Takes nothing away between a read and its commit."""

    def __init__(self, name, working):
        self.name = name
        self.working = working

    async def on_partitions_revoked(self, revoked):
        async with self.working:
            pass

    async def on_partitions_assigned(self, assigned):
        partitions = sorted(one.partition for one in assigned)
        say(self.name, "assigned", ",".join(map(str, partitions)))


async def consume(name, end):
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap,
        group_id=group,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        session_timeout_ms=30000,
        heartbeat_interval_ms=1000,
    )
    working = asyncio.Lock()
    consumer.subscribe([topic], listener=Listener(name, working))
    await consumer.start()
    while not end.is_set():
        # Waits for the next assignment while there is none: not behind the lock.
        batches = await consumer.getmany(timeout_ms=200, max_records=20)
        async with working:
            for partition, records in batches.items():
                for record in records:
                    say(name, "read", f"{record.partition} {record.offset}")
            following = {at: records[-1].offset + 1 for at, records in batches.items()}
            try:
                if following:
                    await consumer.commit(following)
                for at, offset in following.items():
                    say(name, "committed", f"{at.partition} {offset}")
            except KafkaError as error:
                print(name, repr(error), file=sys.stderr, flush=True)
        await asyncio.sleep(0.02)
    await consumer.stop()


async def member(name, end):
    try:
        await consume(name, end)
    except BaseException:
        traceback.print_exc()
        os._exit(1)


async def main():
    end = asyncio.Event()
    members = [asyncio.create_task(member(name, end)) for name in ("a", "b")]
    await asyncio.to_thread(sys.stdin.read)
    end.set()
    await asyncio.gather(*members)


asyncio.run(main())
