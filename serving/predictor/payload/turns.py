"""Where the sender computes: on the event loop, between requests.

Two threads that compute hand Python's lock to and fro at every call that lets go of it, and a request makes several:
that cost requests three times what the computing itself takes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from typing import TypeVar

T = TypeVar("T")
Steps = Generator[None, None, T]
"""Work that pauses at times, so that nobody waits for all of it."""
_LOOK_SECONDS = 0.5
"""How often it is looked whether the loop still runs."""


class Turns:
    """Runs work of another thread on an event loop while there is one, and in that thread otherwise."""

    def __init__(self) -> None:
        self.loop: asyncio.AbstractEventLoop | None = None

    def run(self, steps: Steps[T]) -> T:
        """What the work gives, or raises. Not to be called by the loop's own thread, which would wait for itself."""
        loop, found = self.loop, Future[T]()
        if loop is None:
            return finished(steps)
        try:
            loop.call_soon_threadsafe(_step, loop, steps, found)
        except RuntimeError:  # it has been closed
            return finished(steps)
        while True:
            try:
                return found.result(_LOOK_SECONDS)
            except FutureTimeoutError:
                is_closed = loop.is_closed()  # asked first: the last step may have been done just before
                if found.done():
                    return found.result()
                if is_closed:
                    return finished(steps)


def finished(steps: Steps[T]) -> T:
    """Do all that is left to be done."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            value: T = end.value
            return value


def _step(loop: asyncio.AbstractEventLoop, steps: Steps[T], found: Future[T]) -> None:
    try:
        next(steps)
    except StopIteration as end:
        found.set_result(end.value)
    except Exception as error:  # noqa: BLE001 - is raised where it was asked for
        found.set_exception(error)
    else:
        loop.call_soon(_step, loop, steps, found)
