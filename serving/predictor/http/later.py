"""Answers that are awaited: a few at a time, the others in the order in which they were asked for."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from time import perf_counter
from typing import Protocol

from serving.predictor.http.message import Request, Response
from serving.predictor.http.refusals import FAILED
from serving.predictor.http.tally import Tally

_logger = logging.getLogger(__name__)


class Guest(Protocol):
    """Whoever waits for the answer to a request."""

    request: Request | None
    """The one under way; None when the client has gone."""

    def answer(self, response: Response) -> None:
        """Send the answer to it."""

    def wake(self) -> None:
        """Go on reading after a rest."""


_Settle = Callable[[Guest, Request, Response], None]
_Late = Callable[[Guest, Request, float], Response | None]


class Later:
    """Awaits answers and settles them.

    An answer that is not begun yet costs nothing: when its turn comes too late, it is dropped.
    """

    def __init__(self, at_once: int, tally: Tally, late: _Late, settle: _Settle) -> None:
        self._at_once = at_once
        self._tally = tally
        self._late = late
        self._settle = settle
        self._waiting: deque[tuple[Guest, Request, Awaitable[Response]]] = deque()
        self._tasks: set[asyncio.Task[None]] = set()

    def add(self, guest: Guest, request: Request, answer: Awaitable[Response]) -> None:
        """Await this answer when it is its turn."""
        self._waiting.append((guest, request, answer))
        self._begin()

    def start(self, guest: Guest, request: Request, answer: Awaitable[Response]) -> None:
        """Await this answer now."""
        task = asyncio.get_running_loop().create_task(self._finish(guest, request, answer))
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def cancel(self) -> None:
        """Wait for nothing any more."""
        for _, _, answer in self._waiting:
            _drop(answer)
        self._waiting.clear()
        for task in self._tasks:
            task.cancel()

    def _begin(self) -> None:
        while self._waiting and len(self._tasks) < self._at_once:
            guest, request, answer = self._waiting.popleft()
            late = self._late(guest, request, perf_counter())
            if late is None:
                self.start(guest, request, answer)
            else:
                _drop(answer)
                self._settle(guest, request, late)

    async def _finish(self, guest: Guest, request: Request, answer: Awaitable[Response]) -> None:
        try:
            response = await answer
        except Exception:  # the edge of the process: one request fails, not the server
            self._tally.failed += 1
            _logger.exception("%s %s failed", request.method, request.path)
            response = FAILED
        self._settle(guest, request, response)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._begin()


def _drop(answer: Awaitable[Response]) -> None:
    if isinstance(answer, Coroutine):
        answer.close()
    elif isinstance(answer, asyncio.Future):
        answer.cancel()
