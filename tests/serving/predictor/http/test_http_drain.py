"""A server that is asked to end loses no request."""

from __future__ import annotations

import time
from contextlib import suppress

from connection_parts import GET, POST, serving, wait_until

HELD = POST.replace(b"/echo", b"/held")


def test_a_request_under_way_is_answered() -> None:
    """What was asked before the end begins is answered, with the word that the connection ends."""
    with serving() as server:
        client = server.client().send(HELD)
        wait_until(lambda: len(server.handling.handled) == 1)
        wait = server.drain()
        server.let_go()
        answer = client.answer()
        assert (answer.status, answer.headers["connection"]) == (200, "close")
        assert client.closed()
        wait()


def test_clients_are_served_until_they_have_left() -> None:
    """While it drains, old and new connections are served, each once, and told to go elsewhere."""
    with serving(quiet_seconds=30) as server:
        old = server.client()
        assert old.ask(GET).status == 200
        wait = server.drain()
        for client in (old, server.client(), server.client()):
            answer = client.ask(POST)
            assert (answer.status, answer.headers["connection"]) == (200, "close")
            assert client.closed()
        server.server.hurry()
        wait()


def test_what_was_sent_ahead_is_answered() -> None:
    """A connection is not ended between two requests that were sent together."""
    with serving() as server:
        client = server.client().send(HELD + POST + POST)
        wait_until(lambda: len(server.handling.handled) == 1)
        wait = server.drain()
        server.let_go()
        assert [client.answer().headers.get("connection") for _ in range(3)] == [None, None, "close"]
        wait()


def test_a_body_that_is_coming_in_is_waited_for() -> None:
    """A request that has begun to come in is part of what is under way."""
    with serving() as server:
        client = server.client().send(POST[:-1])
        wait_until(lambda: server.server.admission.held_bytes == 1)
        wait = server.drain()
        time.sleep(0.3)  # longer than the quiet moment after which it would end
        assert client.ask(POST[-1:]).status == 200
        wait()


def test_an_idle_connection_is_closed_after_a_quiet_moment() -> None:
    """Idle connections are closed at the end, probes do not delay it, and it comes long before the grace."""
    with serving() as server:
        idle = server.client()
        assert idle.ask(GET).status == 200
        wait = server.drain(grace_seconds=60)
        with suppress(OSError, AssertionError):  # nobody is there any more
            while True:
                assert server.client().ask(GET).status == 200
        assert idle.closed()
        wait()


def test_the_grace_is_the_end() -> None:
    """A request that is not answered within the grace is cut off."""
    with serving() as server:
        client = server.client().send(HELD)
        wait_until(lambda: len(server.handling.handled) == 1)
        server.drain(grace_seconds=0.2)()
        assert client.closed()
