"""What the tests need of the broker that `dohle run` has started for them."""

import json
import os
import urllib.request

import pytest


class Broker:
    """The control API (docs/EMBEDDING.md, "Over HTTP")."""

    def __init__(self):
        self.bootstrap_servers = os.environ["KAFKA_BOOTSTRAP_SERVERS"]
        self._url = os.environ["DOHLE_CONTROL_URL"]

    def ask(self, method, path, body=None):
        request = urllib.request.Request(
            self._url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"content-type": "application/json"},
        )
        with urllib.request.urlopen(request) as response:
            return json.load(response)


@pytest.fixture(scope="session")
def broker():
    return Broker()


@pytest.fixture(autouse=True)
def clean(broker):
    """Every test begins with the topics of the start, empty, and without faults."""
    broker.ask("DELETE", "/faults")
    broker.ask("POST", "/reset")
