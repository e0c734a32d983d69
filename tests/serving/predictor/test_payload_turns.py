"""Where the payload log's sender computes."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from serving.predictor.payload.turns import Turns


def test_on_the_loop_while_it_runs() -> None:
    """Work is done by the loop's thread, and what it raises comes back to who asked for it."""
    turns = Turns()

    async def ask() -> tuple[int, object]:
        loop = turns.loop = asyncio.get_running_loop()
        with ThreadPoolExecutor(1) as thread:
            where = await loop.run_in_executor(thread, turns.run, threading.get_ident)
            failed = await asyncio.gather(loop.run_in_executor(thread, turns.run, _fail), return_exceptions=True)
        return where, failed[0]

    where, failed = asyncio.run(ask())
    assert where == threading.get_ident()
    assert isinstance(failed, ValueError)


def test_in_place_without_a_loop() -> None:
    """Before a loop runs, and after it was closed, whoever asks does the work."""
    turns = Turns()
    assert turns.run(lambda: 1) == 1
    turns.loop = asyncio.new_event_loop()
    turns.loop.close()
    assert turns.run(lambda: 2) == 2
    with pytest.raises(ValueError, match="no"):
        turns.run(_fail)


def test_a_loop_that_ends_meanwhile() -> None:
    """Work that a loop took and never came to is done in place."""
    turns = Turns()
    loop = turns.loop = asyncio.new_event_loop()  # it never runs
    threading.Timer(0.2, loop.close).start()
    assert turns.run(threading.get_ident) == threading.get_ident()


def _fail() -> int:
    raise ValueError("no")
