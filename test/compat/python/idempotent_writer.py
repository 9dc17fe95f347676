"""BOOTSTRAP TOPIC PARTITION: as IdempotentWriter.java, through librdkafka."""

import sys
import threading

from confluent_kafka import Producer

bootstrap, topic, partition = sys.argv[1:]
end = threading.Event()


def wait_for_end_of_input():
    sys.stdin.read()
    end.set()


threading.Thread(target=wait_for_end_of_input, daemon=True).start()
producer = Producer(
    {
        "bootstrap.servers": bootstrap,
        "enable.idempotence": True,
        "linger.ms": 1,
        "batch.size": 2000,
        "message.timeout.ms": 600000,
        "socket.timeout.ms": 5000,
        "reconnect.backoff.max.ms": 100,
        "log_level": 0,
    }
)
failed = []


def report(number):
    def delivered(error, message):
        if error:
            failed.append(error)
        else:
            print(number, message.offset())

    return delivered


number = 0
while not end.is_set() and not failed:
    try:
        producer.produce(topic, str(number), partition=int(partition), on_delivery=report(number))
        number += 1
    except BufferError:
        pass
    producer.poll(0.002 if number % 20 == 0 else 0)
producer.flush()
if failed:
    raise SystemExit(str(failed[0]))
