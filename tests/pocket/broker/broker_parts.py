"""What the tests of the broker share: a running broker, subscribers that answer as told, objects in its file."""

from __future__ import annotations

import http.client
import json
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from contracts.cloudevent import CloudEvent, decode
from pocket import state

Reply = tuple[int, dict[str, str], bytes]
Behaviour = Callable[[CloudEvent, int], Reply]
"""From an event and how often it has come, the answer."""
API = "eventing.knative.dev/v1"


def taken(event: CloudEvent, times: int) -> Reply:
    """A subscriber that is content."""
    return 202, {}, b""


def wait_until(happened: Callable[[], object]) -> None:
    """Poll a condition; the test's own time limit ends a wait in vain."""
    while not happened():
        time.sleep(0.01)


def event(identity: str, kind: str = "t", data: bytes = b"{}", **more: str) -> CloudEvent:
    """A small event."""
    return CloudEvent({"id": identity, "source": "/test", "type": kind, **more}, data, "application/json")


class _Server(ThreadingHTTPServer):
    request_queue_size = 128


class Subscriber:
    """An HTTP server that keeps what it gets."""

    def __init__(self, behaviour: Behaviour = taken, port: int = 0) -> None:
        self.events: list[CloudEvent] = []
        self.headers: list[dict[str, str]] = []
        self.lock = threading.Lock()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                found = decode(headers, body)
                with outer.lock:
                    outer.events.append(found)
                    outer.headers.append(headers)
                    times = outer.count(found["id"])
                status, answer_headers, answer = behaviour(found, times)
                self.send_response(status)
                for name, value in {**answer_headers, "content-length": str(len(answer))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_: object) -> None:
                """Nothing: the test tells."""

        self.server = _Server(("127.0.0.1", port), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/events"
        threading.Thread(target=self.server.serve_forever, args=(0.05,)).start()

    @property
    def ids(self) -> list[str]:
        """Ids of the events, in the order they came."""
        return [found["id"] for found in self.events]

    def count(self, identity: str) -> int:
        """How often an event has come."""
        return sum(found["id"] == identity for found in self.events)

    def close(self) -> None:
        """Stop listening."""
        self.server.shutdown()
        self.server.server_close()


@contextmanager
def subscribing(behaviour: Behaviour = taken, port: int = 0) -> Iterator[Subscriber]:
    """A subscriber for a while."""
    subscriber = Subscriber(behaviour, port)
    try:
        yield subscriber
    finally:
        subscriber.close()


def broker(namespace: str, name: str = "default", **spec: Any) -> dict[str, Any]:
    """A Broker object."""
    return {"apiVersion": API, "kind": "Broker", "metadata": {"namespace": namespace, "name": name}, "spec": spec}


def trigger(namespace: str, name: str, uri: str, on: str = "default", **spec: Any) -> dict[str, Any]:
    """A Trigger object."""
    return {
        "apiVersion": API,
        "kind": "Trigger",
        "metadata": {"namespace": namespace, "name": name},
        "spec": {"broker": on, "subscriber": {"uri": uri}, **spec},
    }


@dataclass
class Running:
    """A broker that runs, and the objects it was given."""

    home: Path
    config: Path
    pid: int
    objects: dict[tuple[str, str, str], dict[str, Any]] = field(default_factory=dict)

    def apply(self, *objects: dict[str, Any]) -> None:
        """Add objects, or replace those of the same name; return when the ingress knows their Brokers."""
        for each in objects:
            self.objects[_key(each)] = each
        self.write()
        for each in objects:
            if each["kind"] == "Broker":
                path = f"{each['metadata']['namespace']}/{each['metadata']['name']}"
                wait_until(lambda path=path: self.post(path, {}, b"")[0] == 400)  # type: ignore[misc]

    def remove(self, each: dict[str, Any]) -> None:
        """Take an object away."""
        del self.objects[_key(each)]
        self.write()

    def write(self) -> None:
        """Write the file as it should be."""
        state.private_file(self.config, json.dumps({"kind": "List", "items": list(self.objects.values())}))

    def post(self, path: str, headers: dict[str, str], body: bytes) -> tuple[int, str]:
        """Status and words of the ingress' answer. OSError or HTTPException if it does not answer."""
        connection = http.client.HTTPConnection(urlsplit(self.record("broker-ingress").address).netloc, timeout=20)
        try:
            connection.request("POST", f"/{path}", body, headers)
            response = connection.getresponse()
            return response.status, response.read().decode()
        finally:
            connection.close()

    def publish(self, path: str, *events: CloudEvent) -> None:
        """Publish events, each of which must be taken."""
        for each in events:
            headers, body = each.to_binary()
            assert self.post(path, headers, body) == (202, "")

    def record(self, service: str) -> state.Record:
        """Pocket's record of a service."""
        found = state.read(self.home, service)
        assert found is not None
        return found

    def kill(self, service: str) -> None:
        """SIGKILL one of the three processes; return when it has been started again."""
        before = self.record(service)
        os.kill(before.pid, signal.SIGKILL)
        wait_until(lambda: self.record(service).pid not in (0, before.pid))

    def log(self, role: str) -> str:
        """What a role has told in this life."""
        return (self.home / "logs" / f"broker-{role}.log").read_text()


def _key(each: dict[str, Any]) -> tuple[str, str, str]:
    return each["kind"], each["metadata"]["namespace"], each["metadata"]["name"]
