"""The door of the Broker: what is taken, what is refused and why, what is stored once, and who may knock."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
from collections.abc import Awaitable, Callable
from typing import TypeVar

import pytest
from broker_parts import Running, broker, event, subscribing, trigger, wait_until
from nats.js import JetStreamContext

from contracts.cloudevent import MAX_EVENT_BYTES, STRUCTURED
from pocket import process
from pocket.broker import dispatcher, nats_server, stream
from pocket.broker.routes import Routes

T = TypeVar("T")
LEAST = {"ce-specversion": "1.0", "ce-id": "1", "ce-source": "/a", "ce-type": "t"}


def test_both_modes_are_taken(running: Running, namespace: str) -> None:
    """Binary and structured; a subscriber gets either in binary mode."""
    with subscribing() as subscriber:
        running.apply(broker(namespace), trigger(namespace, "t", subscriber.url))
        for each, encoded in ((event("b"), event("b").to_binary()), (event("s"), event("s").to_structured())):
            headers, body = encoded
            assert running.post(f"{namespace}/default", headers, body) == (202, "")
            wait_until(lambda each=each: each in subscriber.events)
        assert all(headers["ce-specversion"] == "1.0" for headers in subscriber.headers)


@pytest.mark.parametrize(
    ("headers", "body", "status", "why"),
    [
        ({}, b"{}", 400, "holds no CloudEvent"),
        ({**LEAST, "ce-specversion": "0.3"}, b"", 400, "specversion is '0.3'"),
        ({name: value for name, value in LEAST.items() if name != "ce-source"}, b"", 400, "no attribute 'source'"),
        ({**LEAST, "content-type": "application/json"}, b"{", 400, "not JSON"),
        ({"content-type": STRUCTURED}, b'{"specversion":"1.0"', 400, "not JSON"),
        ({"content-type": STRUCTURED}, b'{"specversion":"1.0","id":"1","source":"/a"}', 400, "no attribute 'type'"),
        ({"content-type": "application/cloudevents-batch+json"}, b"[]", 400, "is not taken"),
        ({**LEAST, "ce-subject": "x" * 3000}, b"", 413, "'subject' is longer"),
        (LEAST, b"x" * (MAX_EVENT_BYTES + 1), 413, str(MAX_EVENT_BYTES)),
    ],
)
def test_a_bad_event_is_refused(running: Running, headers: dict[str, str], body: bytes, status: int, why: str) -> None:
    """The answer says why."""
    running.apply(broker("bad-events"))
    found, words = running.post("bad-events/default", headers, body)
    assert found == status
    assert why in words


@pytest.mark.parametrize("path", ["bad-events/other", "other/default", "default", "a/b/c", ""])
def test_a_wrong_path_is_not_found(running: Running, path: str) -> None:
    """Whatever is posted to it."""
    assert running.post(path, LEAST, b"")[0] == 404


def test_a_sender_that_dies_is_no_error_of_the_broker(running: Running, namespace: str) -> None:
    """Half an event, and the connection is cut: nothing of it is stored, and the log has no traceback."""
    running.apply(broker(namespace))
    wait_until(lambda: running.post(f"{namespace}/default", LEAST, b"{}")[0] == 202)
    port = running.record("broker-ingress").ports["http"]
    head = f"POST /{namespace}/default HTTP/1.1\r\nhost: broker\r\ncontent-length: 100\r\n"
    with socket.create_connection(("127.0.0.1", port)) as sender:
        sender.sendall((head + "".join(f"{key}: {value}\r\n" for key, value in LEAST.items()) + "\r\n{").encode())
    for number in range(20):  # answered after the cut was noticed
        assert running.post(f"{namespace}/default", {**LEAST, "ce-id": f"after-{number}"}, b"{}")[0] == 202
    assert "Traceback" not in running.log("ingress")


def test_a_duplicate_is_stored_once(running: Running, namespace: str) -> None:
    """The same source and id, also after NATS was killed; the same id of another source is another event."""
    with subscribing() as subscriber:
        running.apply(broker(namespace), trigger(namespace, "t", subscriber.url))
        running.publish(f"{namespace}/default", *(event("twin", data=b"%d" % number) for number in range(5)))
        running.kill("nats")
        headers, body = event("twin").to_binary()
        wait_until(lambda: running.post(f"{namespace}/default", headers, body)[0] == 202)
        headers["ce-source"] = "/other"
        assert running.post(f"{namespace}/default", headers, body)[0] == 202
        wait_until(lambda: any(found["source"] == "/other" for found in subscriber.events))
        assert len({(found["source"], found["id"], found.data) for found in subscriber.events}) == 2


def test_brokers_do_not_mix(running: Running, namespace: str) -> None:
    """Two in one namespace and one of the same name elsewhere, each with the same event."""
    with subscribing() as first, subscribing() as second, subscribing() as third:
        running.apply(
            *(broker(namespace, "a"), broker(namespace, "b.c"), broker("elsewhere", "a")),
            trigger(namespace, "t", first.url, on="a"),
            trigger(namespace, "u", second.url, on="b.c"),
            trigger("elsewhere", "t", third.url, on="a"),
        )
        for path, subscriber in ((f"{namespace}/a", first), (f"{namespace}/b.c", second), ("elsewhere/a", third)):
            running.publish(path, event("same"), event(path.replace("/", "-")))
            wait_until(lambda subscriber=subscriber: len(subscriber.events) == 2)
        assert [sorted(each.ids) for each in (first, second, third)] == [
            sorted(["same", path]) for path in (f"{namespace}-a", f"{namespace}-b.c", "elsewhere-a")
        ]


def test_only_this_machine_is_listened_to(running: Running) -> None:
    """Every socket of the three processes is on 127.0.0.1, one each."""
    for name in ("nats", "broker-ingress", "broker-dispatcher"):
        record = running.record(name)
        assert process.listeners(record.token) == {("127.0.0.1", record.ports["http"])}


def test_nats_asks_for_the_password(running: Running) -> None:
    """Which is of this home, on no command line, and its owner's alone to read."""
    port = running.record("nats").ports["http"]

    def enter(password: str) -> bytes:
        with socket.create_connection(("127.0.0.1", port)) as connection, connection.makefile("rb") as lines:
            assert lines.readline().startswith(b"INFO ")
            words = json.dumps({"user": nats_server.USER, "pass": password, "verbose": False})
            connection.sendall(f"CONNECT {words}\r\nPING\r\n".encode())
            return lines.readline()

    own = nats_server.password(running.home)
    assert enter(own) == b"PONG\r\n"
    assert b"Authorization Violation" in enter("guess")
    for name in ("nats", "broker-ingress", "broker-dispatcher"):
        command = [line for each in process.members(running.record(name).token) for line in each.cmdline()]
        assert not any(own in word for word in command)
    for path in (running.home / "secrets" / "nats.json", running.home / "nats" / "nats.conf"):
        assert path.stat().st_mode & 0o077 == 0


def test_a_full_broker_refuses_and_keeps(running: Running, namespace: str) -> None:
    """503 that says so; what was taken before is still delivered."""
    running.apply(broker(namespace))
    running.publish(f"{namespace}/default", event("1"))

    async def fill(jetstream: JetStreamContext) -> None:
        info = await jetstream.stream_info(stream.name_of(f"{namespace}/default"))
        await jetstream.update_stream(info.config.evolve(max_bytes=info.state.bytes + 10))

    ask(running, fill)
    headers, body = event("2").to_binary()
    status, words = running.post(f"{namespace}/default", headers, body)
    assert status == 503
    assert "maximum bytes exceeded" in words
    assert "Send it again" in words


def test_what_is_done_with_is_deleted_later(running: Running, namespace: str) -> None:
    """Not before a window of duplicates has passed, and never what one Trigger still waits for."""
    key = f"{namespace}/default"
    with subscribing(lambda found, times: (503 if found["id"] == "3" else 200, {}, b"")) as subscriber:
        delivery = {"retry": 1000, "backoffDelay": "PT1H"}
        running.apply(broker(namespace), trigger(namespace, "t", subscriber.url, delivery=delivery))
        running.publish(key, *(event(str(number)) for number in range(1, 6)))
        wait_until(lambda: len(subscriber.events) == 5)

    async def rounds(jetstream: JetStreamContext) -> list[int]:
        routes, left = Routes(brokers=frozenset([key])), []
        done: dict[str, int] = {}
        while await stream.done_up_to(jetstream, key) != 2:  # each question is a round trip
            pass
        for _ in range(2):
            done = await dispatcher.purge(jetstream, routes, done)
            left.append((await jetstream.stream_info(stream.name_of(key))).state.messages)
        return left

    assert ask(running, rounds) == [5, 3]


def test_a_file_with_a_mistake_changes_nothing(running: Running, namespace: str) -> None:
    """The routes before it hold, and both logs tell what is wrong."""
    with subscribing() as subscriber:
        good = trigger(namespace, "t", subscriber.url)
        running.apply(broker(namespace), good)
        running.publish(f"{namespace}/default", event("before"))
        wait_until(lambda: subscriber.ids == ["before"])
        running.apply(trigger(namespace, "t", subscriber.url, filters=[{"cesql": "true"}]))
        for role in ("ingress", "dispatcher"):
            wait_until(lambda role=role: f"Trigger {namespace}/t: filters.0.cesql" in running.log(role))
        running.publish(f"{namespace}/default", event("after"))
        wait_until(lambda: subscriber.ids == ["before", "after"])


def test_routes_change_while_it_runs(running: Running, namespace: str) -> None:
    """A Trigger that moves takes along what is not done; one that is gone gets nothing; nor does a Broker."""
    with subscribing(lambda found, times: (503, {}, b"")) as old, subscribing() as new:
        stuck = {"retry": 1000, "backoffDelay": "PT1H"}
        running.apply(broker(namespace), trigger(namespace, "t", old.url, delivery=stuck))
        running.publish(f"{namespace}/default", event("1"))
        wait_until(lambda: old.ids == ["1"])
        running.apply(trigger(namespace, "t", new.url))
        wait_until(lambda: new.ids == ["1"])
        running.remove(trigger(namespace, "t", new.url))
        os.kill(running.pid, signal.SIGHUP)
        wait_until(lambda: consumers(running, namespace) == [])
        running.publish(f"{namespace}/default", event("2"))
        running.remove(broker(namespace))
        wait_until(lambda: running.post(f"{namespace}/default", LEAST, b"")[0] == 404)
        assert (old.ids, new.ids) == (["1"], ["1"])


def consumers(running: Running, namespace: str) -> list[str]:
    """Names of the Triggers that the stream knows."""

    async def found(jetstream: JetStreamContext) -> list[str]:
        return [each.name for each in await jetstream.consumers_info(stream.name_of(f"{namespace}/default"))]

    return ask(running, found)


def ask(running: Running, question: Callable[[JetStreamContext], Awaitable[T]]) -> T:
    """What the stream answers to a client of the home."""

    async def run() -> T:
        port = running.record("nats").ports["http"]
        client = await stream.connect(running.home, port, "test", on_return=lambda: None, on_end=lambda: None)
        try:
            return await question(client.jetstream())
        finally:
            await client.close()

    return asyncio.run(run())
