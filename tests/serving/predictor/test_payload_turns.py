"""Where the payload log's sender computes."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import pytest

from serving.predictor.payload.turns import Steps, Turns

T = TypeVar("T")


def test_on_the_loop_while_it_runs() -> None:
    """Work is done by the loop's thread, and what it raises comes back to who asked for it."""
    turns = Turns()

    async def ask() -> tuple[int, object]:
        loop = turns.loop = asyncio.get_running_loop()
        with ThreadPoolExecutor(1) as thread:
            where = await loop.run_in_executor(thread, turns.run, _steps(threading.get_ident))
            failed = await asyncio.gather(
                loop.run_in_executor(thread, turns.run, _steps(_fail)), return_exceptions=True
            )
        return where, failed[0]

    where, failed = asyncio.run(ask())
    assert where == threading.get_ident()
    assert isinstance(failed, ValueError)


def test_in_place_without_a_loop() -> None:
    """Before a loop runs, and after it was closed, whoever asks does the work."""
    turns = Turns()
    assert turns.run(_steps(lambda: 1)) == 1
    turns.loop = asyncio.new_event_loop()
    turns.loop.close()
    assert turns.run(_steps(lambda: 2)) == 2
    with pytest.raises(ValueError, match="no"):
        turns.run(_steps(_fail))


def test_a_loop_that_ends_meanwhile() -> None:
    """Work that a loop took and never came to is done in place."""
    turns = Turns()
    loop = turns.loop = asyncio.new_event_loop()  # it never runs
    threading.Timer(0.2, loop.close).start()
    assert turns.run(_steps(threading.get_ident)) == threading.get_ident()


def test_others_have_their_turn_between_two_steps() -> None:
    """Whoever waits for the loop waits for one step at most."""
    turns = Turns()
    order: list[str] = []

    def work() -> Steps[int]:
        for step in range(3):
            order.append(f"step {step}")
            turns_of_others()
            yield
        return 3

    def turns_of_others() -> None:
        asyncio.get_running_loop().call_soon(order.append, "other")

    async def ask() -> int:
        loop = turns.loop = asyncio.get_running_loop()
        with ThreadPoolExecutor(1) as thread:
            return await loop.run_in_executor(thread, turns.run, work())

    assert asyncio.run(ask()) == 3
    assert order == ["step 0", "other", "step 1", "other", "step 2", "other"]


def test_an_error_of_the_work_that_looks_like_a_wait_in_vain() -> None:
    """It is raised, not taken for a loop that does not come to it."""
    turns = Turns()

    def late() -> int:
        raise TimeoutError("of the work")

    async def ask() -> list[object]:
        loop = turns.loop = asyncio.get_running_loop()
        with ThreadPoolExecutor(1) as thread:
            waiting = loop.run_in_executor(thread, turns.run, _steps(late))
            return list(await asyncio.gather(waiting, return_exceptions=True))

    (found,) = asyncio.run(ask())
    assert isinstance(found, TimeoutError)
    assert str(found) == "of the work"


def _steps(work: Callable[[], T]) -> Steps[T]:
    yield
    return work()


def _fail() -> int:
    raise ValueError("no")
