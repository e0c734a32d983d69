"""Where the sender computes: on the event loop, between requests.

Two threads that compute hand Python's lock to and fro at every call that lets go of it, and a request makes several:
that cost requests three times what the computing itself takes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import TypeVar

T = TypeVar("T")
_LOOK_SECONDS = 0.5
"""How often it is looked whether the loop still runs."""


class Turns:
    """Runs work of another thread on an event loop while there is one, and in that thread otherwise."""

    def __init__(self) -> None:
        self.loop: asyncio.AbstractEventLoop | None = None

    def run(self, work: Callable[[], T]) -> T:
        """What the work gives, or raises. Not to be called by the loop's own thread, which would wait for itself."""
        loop, found = self.loop, Future[T]()
        if loop is None:
            return work()
        try:
            loop.call_soon_threadsafe(_take, work, found)
        except RuntimeError:  # it has been closed
            return work()
        while not wait([found], _LOOK_SECONDS).done:
            if loop.is_closed() and found.cancel():
                return work()
        return found.result()


def _take(work: Callable[[], T], found: Future[T]) -> None:
    if not found.set_running_or_notify_cancel():
        return
    try:
        found.set_result(work())
    except Exception as error:  # noqa: BLE001 - is raised where it was asked for
        found.set_exception(error)
