"""BOOTSTRAP TOPIC GROUP PROTOCOL: two members of a group until standard input closes; see groups/member-log.ts."""

import sys
import threading
import time

from confluent_kafka import Consumer, KafkaException, TopicPartition

bootstrap, topic, group, protocol = sys.argv[1:]
end = threading.Event()
failed = threading.Event()
printing = threading.Lock()


def say(name, what, facts):
    with printing:
        print(int(time.time() * 1000), name, what, facts, flush=True)


def go_on_after(name, error):
    if error.fatal():
        raise KafkaException(error)
    print(name, error, file=sys.stderr, flush=True)


def consume(name):
    config = {
        "bootstrap.servers": bootstrap,
        "group.id": group,
        "group.protocol": protocol,
        "auto.offset.reset": "earliest",
        "enable.auto.commit": False,
        "reconnect.backoff.max.ms": 200,
        "log_level": 0,
    }
    if protocol == "classic":
        config.update({"session.timeout.ms": 30000, "heartbeat.interval.ms": 1000})
    consumer = Consumer(config)
    consumer.subscribe([topic])
    known = None
    while not end.is_set():
        messages = consumer.consume(20, 0.2)
        assigned = sorted(one.partition for one in consumer.assignment())
        if assigned != known:
            known = assigned
            say(name, "assigned", ",".join(map(str, assigned)))
        following = {}
        for message in messages:
            if message.error():
                go_on_after(name, message.error())
            # Read before it was taken away, within the same call.
            elif message.partition() in assigned:
                say(name, "read", f"{message.partition()} {message.offset()}")
                following[message.partition()] = message.offset() + 1
        if not following:
            continue
        try:
            offsets = [TopicPartition(topic, *one) for one in following.items()]
            consumer.commit(offsets=offsets, asynchronous=False)
            for partition, offset in following.items():
                say(name, "committed", f"{partition} {offset}")
        except KafkaException as exception:
            go_on_after(name, exception.args[0])
        time.sleep(0.02)
    consumer.close()


def member(name):
    try:
        consume(name)
    except BaseException:
        failed.set()
        end.set()
        raise


members = [threading.Thread(target=member, args=(name,)) for name in ("a", "b")]
for one in members:
    one.start()
threading.Thread(target=lambda: (sys.stdin.read(), end.set()), daemon=True).start()
for one in members:
    one.join()
sys.exit(1 if failed.is_set() else 0)
