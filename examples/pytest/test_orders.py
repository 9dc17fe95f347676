"""Run with: dohle run --memory --port 0 --control-port 0 --topic orders:3 -- pytest"""

import json

import pytest
from kafka import KafkaConsumer, KafkaProducer
from kafka.errors import KafkaError


@pytest.fixture
def producer(broker):
    producer = KafkaProducer(
        bootstrap_servers=broker.bootstrap_servers,
        acks="all",
        retries=3,
        retry_backoff_ms=20,
        enable_idempotence=True,
        value_serializer=lambda value: json.dumps(value).encode(),
    )
    yield producer
    producer.close(timeout=1)


def test_sends_and_reads(broker, producer):
    producer.send("orders", key=b"u1", value={"id": 1}).get(timeout=10)
    consumer = KafkaConsumer(
        "orders",
        bootstrap_servers=broker.bootstrap_servers,
        group_id="billing",
        auto_offset_reset="earliest",
        consumer_timeout_ms=10_000,
    )
    record = next(consumer)
    assert (record.key, json.loads(record.value)) == (b"u1", {"id": 1})
    consumer.commit()
    consumer.close()
    offsets = broker.ask("GET", "/groups/billing/offsets")
    assert {"topic": "orders", "partition": record.partition, "offset": 1, "metadata": ""} in offsets


def test_a_lost_answer_makes_no_duplicate(broker, producer):
    broker.ask("POST", "/faults", {"api": "Produce", "drop": "after", "times": 1})
    producer.send("orders", value={"id": 2}).get(timeout=10)
    records = broker.ask("GET", "/topics/orders/records?count=1")
    assert [record["value"] for record in records] == [{"id": 2}]
    assert [event["done"] for event in broker.ask("GET", "/faults/log")] == [
        "closed the connection, the work was done"
    ]


def test_an_error_of_the_broker_reaches_the_caller(broker, producer):
    broker.ask("POST", "/faults", {"topic": "orders", "api": "Produce", "error": "POLICY_VIOLATION"})
    with pytest.raises(KafkaError):
        producer.send("orders", value={"id": 3}).get(timeout=10)
