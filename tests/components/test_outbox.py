"""outbox: an event is told until it is taken, for a bounded time, and stops nothing if it is not."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from components.outbox import RETRIES, Outbox
from contracts.cloudevent import decode
from contracts.events import Rollout, from_event

EVENT = Rollout(
    loop="flights",
    version="2",
    step_percent=10,
    verdict="pass",
    decided_at=datetime(2026, 1, 1, tzinfo=UTC),
    reasons=("All is well.",),
    evidence={"canary_rows": 500},
)


@contextmanager
def sink(*answers: int) -> Iterator[tuple[str, list[Rollout]]]:
    """A server that answers so, the last for all that follow; its address and what it was sent."""
    taken: list[Rollout] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            data = from_event(decode({name.lower(): value for name, value in self.headers.items()}, body))
            assert isinstance(data, Rollout)
            taken.append(data)
            self.send_response(answers[min(len(taken), len(answers)) - 1])
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - so named there
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", taken
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.mark.parametrize(
    ("answers", "taken", "times"),
    [((202,), True, 1), ((503, 429, 202), True, 3), ((422,), False, 1), ((503,), False, 1 + RETRIES)],
    ids=["taken", "busy at first", "refused for good", "busy for good"],
)
def test_what_the_sink_answers_decides(answers: tuple[int, ...], taken: bool, times: int) -> None:
    """Sent again where that may help, the same event each time."""
    with sink(*answers) as (address, events):
        assert Outbox(address, "/test", backoff_seconds=0.01).send(EVENT) is taken
    assert events == [EVENT] * times


def test_a_sink_that_is_away_and_none_at_all() -> None:
    """Told in the log; whoever sends goes on."""
    assert not Outbox("http://127.0.0.1:9", "/test", backoff_seconds=0.01).send(EVENT)
    assert not Outbox(None, "/test").send(EVENT)
