"""What a client of an address sees while revisions come, go and die behind it."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections import Counter
from math import sqrt
from pathlib import Path

import aiohttp
import pytest
from controllers_parts import Home, fetch, isvc, running, runtime, shares, stand_in, wait_until, word

from pocket import process, state
from pocket.controllers import envoy
from pocket.controllers.service import NAME, halt_all

REQUESTS = 10_000
NORMAL_999 = 3.29
"""Two-sided 99.9 % of the normal distribution, which the binomial of so many requests is."""


def test_the_split_is_that_of_the_percent(home: Home) -> None:
    """Of 10,000 requests, some over each connection, the canary answers as many as chance allows it to."""
    home.apply(isvc("split", "a"))
    home.await_ready("InferenceService", "split")
    home.apply(isvc("split", "b", 20))
    status = home.await_status("InferenceService", "split", is_split)
    counted = asyncio.run(ask(f"{status['url']}/short", REQUESTS))
    assert counted.total() == REQUESTS
    assert set(counted) == {"split-predictor-00001", "split-predictor-00002"}
    band = NORMAL_999 * sqrt(REQUESTS * 0.2 * 0.8)
    assert abs(counted["split-predictor-00002"] - 0.2 * REQUESTS) < band
    home.delete("InferenceService", "split")
    wait_until(lambda: not home.runs("split-predictor-00001") and not home.runs("split-predictor-00002"))


def is_split(status: dict[str, object]) -> bool:
    """Whether a canary takes its share."""
    shown = status["components"]["predictor"]  # type: ignore[index]
    return len(shown["traffic"]) == 2 and word(status, "Ready") == "True"


async def ask(url: str, requests: int) -> Counter[str]:
    """How many requests each revision answered, over 16 connections."""
    counted: Counter[str] = Counter()
    left = iter(range(requests))

    async def client(session: aiohttp.ClientSession) -> None:
        for _ in left:
            async with session.get(url) as answer:
                assert answer.status == 200
                counted[answer.headers["x-driftloop-revision"]] += 1
                await answer.read()

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=16)) as session:
        await asyncio.gather(*(client(session) for _ in range(16)))
    return counted


def test_no_request_is_lost_while_revisions_are_replaced(home: Home) -> None:
    """Requests, slow ones too, are all answered while three models follow one another."""
    home.apply(isvc("steady", "a"))
    url = home.await_ready("InferenceService", "steady")["url"]
    ended, seen, lock = threading.Event(), Counter[object](), threading.Lock()

    def keep_asking(path: str) -> None:
        while not ended.is_set():
            code, body, _ = fetch(url, path)
            with lock:
                seen[body["env"]["MODEL"] if code == 200 else code] += 1

    threads = [threading.Thread(target=keep_asking, args=(path,)) for path in ("/", "/", "/slow", "/slow")]
    for thread in threads:
        thread.start()
    try:
        for number, model in enumerate("bc", 2):
            home.apply(isvc("steady", model))
            home.await_ready("InferenceService", "steady")
            wait_until(lambda number=number: not home.runs(f"steady-predictor-{number - 1:05d}"))  # type: ignore[misc]
    finally:
        ended.set()
        for thread in threads:
            thread.join()
    assert set(seen) == {"a", "b", "c"}
    home.delete("InferenceService", "steady")


@pytest.fixture
def own(tmp_path: Path, plain_env: dict[str, str]) -> Home:
    """A home whose parts the test may kill, with one InferenceService."""
    with running(tmp_path / "home", plain_env) as found:
        found.apply(runtime(stand_in(tmp_path)))
        found.apply(isvc("mortal", "a"))
        found.await_ready("InferenceService", "mortal")
        yield found  # type: ignore[misc]


def test_whatever_is_killed_comes_back(own: Home) -> None:
    """A revision, Envoy, the controllers; killed with -9, each returns, and the address answers as before."""
    url = own.get("InferenceService", "mortal")["status"]["url"]
    first = "revision.default.mortal-predictor-00001"
    killed = own.kill(first)
    assert fetch(url)[0] == 200  # a request waits for the process that is started again
    assert own.record(first).token != killed.token
    killed = own.kill(envoy.NAME)
    wait_until(lambda: own.record(envoy.NAME).token != killed.token)
    wait_until(lambda: answers(url))
    before = own.record(first)
    own.kill(NAME)
    assert fetch(url)[0] == 200  # requests need no controllers
    own.apply(isvc("mortal", "b"))
    own.start_controllers()
    own.await_ready("InferenceService", "mortal")
    assert set(shares(url, 20)) == {"b"}
    wait_until(lambda: not process.members(before.token))  # what was adopted is ended as what was started


def test_everything_killed_at_once_comes_back(own: Home) -> None:
    """After kill -9 of all, starting the controllers is enough; what was deleted meanwhile is ended."""
    own.apply(isvc("doomed", "x"))
    own.await_ready("InferenceService", "doomed")
    url = own.get("InferenceService", "mortal")["status"]["url"]
    os.kill(own.record(NAME).pid, signal.SIGKILL)
    own.delete("InferenceService", "doomed")
    own.kill(envoy.NAME)
    own.kill("revision.default.mortal-predictor-00001")
    own.start_controllers()
    assert fetch_when_up(url) == "a"
    wait_until(lambda: not own.runs("doomed-predictor-00001"))
    wait_until(lambda: state.read(own.path, "revision.default.doomed-predictor-00001") is None)


def test_halt_and_start(own: Home) -> None:
    """`halt_all` leaves no process; started again, the same revision answers at the same address."""
    status = own.get("InferenceService", "mortal")["status"]
    stopped = halt_all(own.path)
    assert set(stopped) == {NAME, envoy.NAME, "revision.default.mortal-predictor-00001"}
    assert not own.runs("mortal-predictor-00001")
    own.start_controllers()
    assert fetch_when_up(status["url"]) == "a"
    assert own.await_ready("InferenceService", "mortal")["components"] == status["components"]


def answers(url: str) -> bool:
    """Whether an address answers."""
    try:
        return fetch(url)[0] == 200
    except OSError:
        return False


def fetch_when_up(url: str) -> str:
    """The model that answers, once somebody does."""
    wait_until(lambda: answers(url))
    return str(fetch(url)[1]["env"]["MODEL"])
