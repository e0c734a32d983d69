"""Requests that are too many or too late are refused at once; those that are taken are answered in turn."""

from __future__ import annotations

import threading
import time
from collections.abc import Awaitable, Sequence

from connection_parts import GET, POST, Client, Serving, serving, wait_until

from serving.predictor.http.message import Request, Response

HELD = POST.replace(b"/echo", b"/held")


def _queue(server: Serving, count: int, data: bytes = HELD) -> list[Client]:
    """Have so many requests wait, each on a connection of its own."""
    before = server.server.tally.queued
    clients = [server.client().send(data) for _ in range(count)]
    wait_until(lambda: server.server.tally.queued == before + count)
    return clients


def test_a_full_queue_refuses() -> None:
    """When as many requests wait as may, one more gets 503 and when to come back; its connection stays."""
    with serving(max_queued=3, quiet_seconds=0.04) as server:
        clients = _queue(server, 3)
        other = server.client()
        answer = other.ask(POST)
        assert (answer.status, answer.headers["retry-after"], "connection" in answer.headers) == (503, "1", False)
        assert answer.json()["error"].startswith("The server is busy")
        assert other.ask(POST).status == 503
        server.let_go()
        assert [client.answer().status for client in clients] == [200, 200, 200]
        assert other.ask(POST).status == 200
        assert (server.server.tally.busy, server.server.tally.queued) == (2, 4)


def test_a_full_queue_by_bytes_refuses() -> None:
    """Large bodies fill the queue before their number does."""
    large = b"POST /held HTTP/1.1\r\nhost: a\r\ncontent-length: 60000\r\n\r\n" + b"x" * 60_000
    with serving(max_body_bytes=60_000, max_held_bytes=100_000) as server:
        clients = _queue(server, 1, large)
        other = server.client()
        assert other.ask(large.replace(b"held", b"echo")).status == 503
        assert other.ask(POST).status == 200
        server.let_go()
        assert clients[0].answer().status == 200
        assert other.ask(large.replace(b"held", b"echo")).status == 200


def test_what_is_sent_ahead_is_refused_in_turn() -> None:
    """A client that sends ahead while the queue is full gets its answers in order, without running the server over."""
    with serving(max_queued=1, quiet_seconds=0.04) as server:
        _queue(server, 1)
        client = server.client().send((POST + GET) * 20)
        assert [client.answer().status for _ in range(40)] == [503, 200] * 20


def test_probes_do_not_wait() -> None:
    """What is no POST is answered at once when the queue is full."""
    with serving(max_queued=2) as server:
        _queue(server, 2)
        probe = server.client()
        for _ in range(3):
            assert probe.ask(GET).status == 200


def test_who_was_refused_rests() -> None:
    """After a 503 a connection is not read until there is room: refusing a client again and again costs too much."""
    with serving(max_queued=2, refusing_share=1e-9) as server:
        held = _queue(server, 2)
        client = server.client()
        assert client.ask(POST).status == 503
        client.send(GET)
        assert server.client().ask(GET).status == 200
        assert len(server.handling.handled) == 3  # the others', and those that are held
        server.let_go()
        assert [one.answer().status for one in (*held, client)] == [200, 200, 200]


def test_who_was_refused_may_send_one_request() -> None:
    """While a client rests, its next request is kept, and counts; no more of it is read."""
    large = b"POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: 60000\r\n\r\n" + b"x" * 60_000
    with serving(max_queued=2, max_body_bytes=60_000, max_held_bytes=100_000, refusing_share=1e-9) as server:
        held = _queue(server, 2)
        first, second = server.client(), server.client()
        assert [first.ask(POST).status, second.ask(POST).status] == [503, 503]
        first.send(large)
        wait_until(lambda: server.server.admission.held_bytes > 60_000)
        second.send(large + GET)  # too much beside the first's: its body is dropped
        assert server.client().ask(GET).status == 200
        assert server.server.admission.held_bytes < 70_000
        server.let_go()
        assert [one.answer().status for one in (*held, first)] == [200, 200, 200]
        assert [second.answer().status, second.answer().status] == [503, 200]
        wait_until(lambda: server.server.admission.held_bytes == 0)


def test_newcomers_do_not_wait_for_the_queue() -> None:
    """While many requests wait, all connections that come are accepted between two turns, not one."""
    answered: list[int] = []

    def batch(requests: Sequence[Request]) -> Sequence[Response | Awaitable[Response]]:
        time.sleep(0.02)  # more than a turn takes
        answered.append(len(server.handling.handled))
        return [Response(200, b"") for _ in requests]

    with serving(batch=batch) as server:
        block = threading.Event()
        clients = [server.client() for _ in range(200)]
        assert {client.ask(GET).status for client in clients} == {200}
        server.handling.handled.clear()
        server.loop.call_soon_threadsafe(block.wait, 30)
        for client in clients:
            client.send(POST)
        newcomers = [server.client().send(GET) for _ in range(20)]
        block.set()
        assert {client.answer().status for client in (*newcomers, *clients)} == {200}
        assert answered[-1] == 20


def test_nobody_waits_for_it_any_more() -> None:
    """A request whose client's own time passed in the queue gets 504 and is not handled; the shorter time counts."""
    with serving(awaited_at_once=1) as server:
        _queue(server, 1)
        timed = HELD.replace(b"host", b"x-request-timeout-ms: 60000\r\nx-envoy-expected-rq-timeout-ms: 1\r\nhost")
        (late,) = _queue(server, 1, timed)
        (gone,) = _queue(server, 1)
        wait_until(lambda: len(server.handling.handled) == 3)
        gone.close()
        deadline = server.handling.handled[1].deadline
        wait_until(lambda: deadline is not None and time.perf_counter() > deadline)
        server.let_go()
        answer = late.answer()
        assert (answer.status, server.server.tally.expired) == (504, 1)
        assert server.client().ask(timed.replace(b"-ms: 1\r", b"-ms: 60000\r")).status == 200


def test_deadlines_reach_the_handler() -> None:
    """A request says until when its client waits, or that it did not say."""
    with serving() as server:
        client = server.client()
        client.ask(POST)
        client.ask(POST.replace(b"host", b"x-request-timeout-ms: 2500\r\nhost"))
        plain, timed = server.handling.handled
        assert plain.deadline is None
        assert timed.deadline is not None
        assert timed.deadline - timed.received == 2.5


def test_waiting_too_long_is_refused() -> None:
    """A request that waited as long as any may gets 503, not an answer that comes too late."""
    with serving(awaited_at_once=1, queue_seconds=0.5) as server:
        (first,) = _queue(server, 1)
        (second,) = _queue(server, 1)
        wait_until(lambda: len(server.handling.handled) == 2)
        threading.Timer(1, server.let_go).start()
        assert first.answer().status == 200
        assert second.answer().status == 503


def test_few_answers_are_awaited_at_once() -> None:
    """No more answers than told are computed side by side, whatever the order in which they end."""
    with serving(awaited_at_once=2) as server:
        clients = _queue(server, 6)
        server.let_go()
        assert [client.answer().status for client in clients] == [200] * 6


def test_requests_that_wait_together_can_be_handled_together() -> None:
    """A batch handler gets what waits at the same time, in order; its answers may be awaited, and it may fail."""
    sizes: list[int] = []

    def batch(requests: Sequence[Request]) -> Sequence[Response | Awaitable[Response]]:
        sizes.append(len(requests))
        if any(request.path == "/raise" for request in requests):
            raise ValueError("raised by the batch handler")
        return [_later(request) if request.path == "/later" else _path(request) for request in requests]

    def _path(request: Request) -> Response:
        return Response(200, request.path.encode())

    async def _later(request: Request) -> Response:
        return _path(request)

    with serving(batch=batch) as server:
        block = threading.Event()
        paths = [b"/a", b"/later", b"/b"] * 10
        clients = [server.client() for _ in paths]
        assert [client.ask(GET).status for client in clients] == [200] * 30
        server.loop.call_soon_threadsafe(block.wait, 30)
        for client, path in zip(clients, paths, strict=True):
            client.send(POST.replace(b"/echo", path))
        block.set()
        assert [client.answer().body for client in clients] == paths
        assert max(sizes) > 1
        assert server.client().ask(POST.replace(b"/echo", b"/raise")).status == 500
        assert server.client().ask(GET).json()["path"] == "/echo"


def test_more_clients_than_the_queue_holds() -> None:
    """Many clients that ask all the time: each is answered, with 200 or 503, and the queue ends empty."""
    with serving(max_queued=8, quiet_seconds=0.04) as server:
        statuses: list[int] = []

        def ask() -> None:
            client = server.client()
            statuses.extend(client.ask(POST).status for _ in range(30))

        server.loop.call_soon_threadsafe(server.handling.gate.set)
        threads = [threading.Thread(target=ask) for _ in range(24)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(statuses) == 24 * 30
        assert set(statuses) <= {200, 503}
        assert server.server.admission.idle
        assert server.server.admission.held_bytes == 0
