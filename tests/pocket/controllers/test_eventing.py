"""Brokers and Triggers: from objects to events that arrive."""

from __future__ import annotations

import json
import os
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from controllers_parts import Home, Json, condition, knative, stand_in, wait_until, word

from pocket import process
from pocket.controllers import eventing

API = "eventing.knative.dev/v1"


@pytest.fixture
def broker(home: Home) -> Iterator[None]:
    """The Broker of this machine, on the file that the controllers write."""
    import sys

    token = process.new_token()
    command = [sys.executable, "-m", "pocket.broker", "--home", home.path, "--config", eventing.config_path(home.path)]
    process.spawn(list(map(str, command)), os.environ, token, home.path, home.path / "logs" / "broker.log")
    yield
    process.stop(token, 20)


def test_an_event_arrives_where_a_reference_leads(home: Home, broker: None, tmp_path: Path) -> None:
    """A Broker has its address; a Trigger's ref becomes the Service's address, with the uri as its path."""
    seen = tmp_path / "seen"
    env = [{"name": "EVENTS", "value": str(seen)}]
    home.apply(knative("taker", stand_in(tmp_path), env=env))
    home.apply(brokers("main", {"retry": 2, "deadLetterSink": {"ref": service("taker"), "uri": "/dead"}}))
    home.apply(trigger("one", "main", {"ref": service("taker"), "uri": "/inner"}, filter={"attributes": {"type": "t"}}))
    home.await_ready("Service", "taker")
    address = home.await_ready("Broker", "main")["address"]["url"]
    status = home.await_ready("Trigger", "one")
    assert address.endswith("/default/main")
    assert status["subscriberUri"].endswith("/inner")
    assert home.get("Broker", "main")["status"]["deadLetterSinkUri"].endswith("/dead")
    wait_until(lambda: post(address, "1") == 202)
    wait_until(lambda: seen.exists() and "1 /inner" in seen.read_text())
    for kind, name in (("Trigger", "one"), ("Broker", "main"), ("Service", "taker")):
        home.delete(kind, name)
    wait_until(lambda: json.loads(eventing.config_path(home.path).read_text()) == [])


def test_one_that_is_wrong_stops_no_other(home: Home) -> None:
    """What cannot be resolved or is not supported is told by its own condition, and left out of the file."""
    home.apply(brokers("other", {}))
    uri = {"uri": "http://127.0.0.1:9/x"}
    home.apply(trigger("good", "other", uri))
    home.apply(trigger("odd", "other", uri, filters=[{"cesql": "TRUE"}]))
    home.apply(trigger("lost", "other", {"ref": service("nowhere")}))
    home.apply(trigger("alone", "absent", uri))
    for name, kind, told in (
        ("odd", "SubscriberResolved", "cesql"),
        ("lost", "SubscriberResolved", "default/nowhere has no address"),
        ("alone", "BrokerReady", "no Broker default/absent"),
    ):
        status = home.await_status("Trigger", name, lambda status: word(status, "Ready") == "False")
        assert told in condition(status, kind)["message"]
    home.await_ready("Trigger", "good")
    written = json.loads(eventing.config_path(home.path).read_text())
    assert {one["metadata"]["name"] for one in written} == {"other", "good", "alone"}
    for name in ("good", "odd", "lost", "alone"):
        home.delete("Trigger", name)
    home.delete("Broker", "other")


def brokers(name: str, delivery: Json) -> Json:
    """A Broker."""
    return {"apiVersion": API, "kind": "Broker", "metadata": {"name": name}, "spec": {"delivery": delivery}}


def trigger(name: str, broker: str, subscriber: Json, **more: object) -> Json:
    """A Trigger."""
    spec = {"broker": broker, "subscriber": subscriber, **more}
    return {"apiVersion": API, "kind": "Trigger", "metadata": {"name": name}, "spec": spec}


def service(name: str) -> Json:
    """A reference to a Knative Service."""
    return {"apiVersion": "serving.knative.dev/v1", "kind": "Service", "name": name}


def post(address: str, identity: str) -> int:
    """The status with which the Broker answers an event."""
    headers = {"ce-id": identity, "ce-source": "/test", "ce-type": "t", "ce-specversion": "1.0"}
    try:
        request = urllib.request.Request(address, b"{}", {**headers, "content-type": "application/json"})
        with urllib.request.urlopen(request, timeout=10) as answer:
            return int(answer.status)
    except OSError:  # it does not know this Broker yet
        return 0
