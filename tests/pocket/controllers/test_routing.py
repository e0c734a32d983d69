"""What a client of an address sees while revisions come, go and die behind it."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Iterator
from math import sqrt

import pytest
from controllers_parts import Home, Json, fetch, isvc, running, runtime, shares, stand_in, wait_until, word

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
    counted = asyncio.run(ask(status["url"], REQUESTS))
    assert counted.total() == REQUESTS
    assert set(counted) == {"split-predictor-00001", "split-predictor-00002"}
    band = NORMAL_999 * sqrt(REQUESTS * 0.2 * 0.8)
    assert abs(counted["split-predictor-00002"] - 0.2 * REQUESTS) < band
    home.delete("InferenceService", "split")
    wait_until(lambda: not home.runs("split-predictor-00001") and not home.runs("split-predictor-00002"))


def is_split(status: Json) -> bool:
    """Whether a canary takes its share."""
    shown = status["components"]["predictor"]
    return bool(len(shown["traffic"]) == 2 and word(status, "Ready") == "True")


async def ask(url: str, requests: int) -> Counter[str]:
    """How many requests each revision answered, over 16 connections."""
    counted: Counter[str] = Counter()
    left = iter(range(requests))

    async def client() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]))
        for _ in left:
            writer.write(b"GET /short HTTP/1.1\r\nhost: split\r\n\r\n")
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            assert head.startswith("HTTP/1.1 200")
            assert await reader.readexactly(2) == b"{}"
            counted[head.partition("x-driftloop-revision: ")[2].split("\r\n")[0]] += 1
        writer.close()
        await writer.wait_closed()

    await asyncio.gather(*(client() for _ in range(16)))
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
            wait_until(lambda number=number: not home.runs(f"steady-predictor-{number - 1:05d}"))
    finally:
        ended.set()
        for thread in threads:
            thread.join()
    assert set(seen) == {"a", "b", "c"}
    home.delete("InferenceService", "steady")


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory, plain_env: dict[str, str]) -> Iterator[Home]:
    """A home whose parts the tests kill."""
    folder = tmp_path_factory.mktemp("own")
    with running(folder / "home", plain_env) as found:
        found.apply(runtime(stand_in(folder)))
        yield found


def test_whatever_is_killed_comes_back(own: Home) -> None:
    """A revision, Envoy, the controllers; killed with -9, each returns, and the address answers as before."""
    own.apply(isvc("mortal", "a"))
    url = own.await_ready("InferenceService", "mortal")["url"]
    first = "revision.default.mortal-predictor-00001"
    killed = own.kill(first)
    wait_until(lambda: not process.members(killed.token))
    assert fetch(url)[0] == 200  # a request waits for the process that is started again
    assert own.record(first).token != killed.token
    killed = own.kill(envoy.NAME)
    wait_until(lambda: own.record(envoy.NAME).token != killed.token)
    assert model_at(url) == "a"
    before = own.record(first)
    own.kill(NAME)
    assert fetch(url)[0] == 200  # requests need no controllers
    own.apply(isvc("mortal", "b"))
    own.start_controllers()
    own.await_ready("InferenceService", "mortal")
    assert set(shares(url, 20)) == {"b"}
    wait_until(lambda: not process.members(before.token))  # what was adopted is ended as what was started
    own.delete("InferenceService", "mortal")


def test_everything_killed_at_once_comes_back(own: Home) -> None:
    """After kill -9 of all, starting the controllers is enough; what was deleted meanwhile is ended."""
    for name in ("doomed", "kept"):
        own.apply(isvc(name, name))
    url = [own.await_ready("InferenceService", name)["url"] for name in ("doomed", "kept")][1]
    own.kill(NAME)
    own.delete("InferenceService", "doomed")
    own.kill(envoy.NAME)
    own.kill("revision.default.kept-predictor-00001")
    own.start_controllers()
    assert model_at(url) == "kept"
    wait_until(lambda: not own.runs("doomed-predictor-00001"))
    wait_until(lambda: state.read(own.path, "revision.default.doomed-predictor-00001") is None)
    own.delete("InferenceService", "kept")


def test_halt_and_start(own: Home) -> None:
    """`halt_all` leaves no process; started again, the same revision answers at the same address."""
    own.apply(isvc("halted", "a"))
    status = own.await_ready("InferenceService", "halted")
    assert {NAME, envoy.NAME, "revision.default.halted-predictor-00001"} <= set(halt_all(own.path))
    assert not own.runs("halted-predictor-00001")
    own.start_controllers()
    assert model_at(status["url"]) == "a"
    assert own.await_ready("InferenceService", "halted")["components"] == status["components"]


def test_another_object_of_the_same_name_begins_anew(home: Home) -> None:
    """Deleted and made again at once: revisions are numbered from 1, and nothing of the first is left."""
    home.apply(isvc("again", "a"))
    home.await_ready("InferenceService", "again")
    home.apply(isvc("again", "b"))
    home.await_ready("InferenceService", "again")
    old = home.record("revision.default.again-predictor-00002")
    home.delete("InferenceService", "again")
    home.apply(isvc("again", "c"))
    status = home.await_ready("InferenceService", "again")
    assert status["components"]["predictor"]["latestReadyRevision"] == "again-predictor-00001"
    assert set(shares(status["url"], 10)) == {"c"}
    assert not process.members(old.token)
    home.delete("InferenceService", "again")


def model_at(url: str) -> str:
    """The model that answers at an address, once somebody does."""

    def answers() -> bool:
        try:
            return bool(fetch(url)[0] == 200)
        except OSError:  # Envoy does not listen yet
            return False

    wait_until(answers)
    return str(fetch(url)[1]["env"]["MODEL"])
