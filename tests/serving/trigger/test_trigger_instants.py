"""A trigger that dies at each instant of a decision, and two that decide at once."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from mortal_trigger import SETTLE_SECONDS, Killed, Life, Place
from trigger_parts import Pipelines, answering, drift_event

from contracts.cloudevent import CloudEvent
from contracts.errors import BusyError, UnavailableError
from contracts.events import Retrain, from_event
from contracts.objects import ObjectStore
from contracts.settings import Settings
from serving.trigger.service import Trigger

pytestmark = pytest.mark.filterwarnings("ignore:This client only works with Kubeflow Pipeline:FutureWarning")


@pytest.fixture(scope="module")
def pipelines() -> Pipelines:
    """The runs there are."""
    return Pipelines()


@pytest.fixture(scope="module")
def endpoint(pipelines: Pipelines) -> Iterator[str]:
    """Address of the API."""
    with answering(pipelines) as address:
        yield address


async def delivered(trigger: Trigger, event: CloudEvent) -> Retrain:
    """The answer to an event that is sent until there is one."""
    while True:
        with suppress(UnavailableError, BusyError):
            decision = from_event(await trigger.handle(event))
            assert isinstance(decision, Retrain)
            return decision
        await asyncio.sleep(SETTLE_SECONDS / 5)


async def life_after(trigger: Trigger, *events: CloudEvent) -> list[Retrain]:
    """The answers of a process that starts and stays."""
    async with trigger.lifespan(None):
        return [await delivered(trigger, event) for event in events]


@pytest.mark.parametrize("answered", [False, True], ids=["before", "after"])
def test_death_at_any_request_loses_and_doubles_nothing(
    s3_settings: Settings, endpoint: str, pipelines: Pipelines, tmp_path: Path, answered: bool
) -> None:
    """The event is sent again to the next process, which answers as the first would have; there is one run."""
    for requests in range(1, 40):
        place = Place(s3_settings, endpoint, tmp_path, f"dies_{'after' if answered else 'before'}_{requests}")
        events = [drift_event(place.loop, index) for index in range(3)]
        asyncio.run(life_after(place.trigger("calm", Life()), *events[:2]))
        try:
            asyncio.run(place.trigger("first", Life(requests, answered)).handle(events[2]))
            assert requests > 8  # so many there are at least
            return
        except Killed:
            told = asyncio.run(life_after(place.trigger("second", Life()), *events))
        assert [one.decision for one in told] == ["suppressed", "suppressed", "accepted"]
        assert pipelines.names(place.loop) == [told[2].pipeline_run]
    pytest.fail("it never lived on")


def test_two_environments_ask_one_pipelines_api(
    s3_settings: Settings, endpoint: str, pipelines: Pipelines, tmp_path: Path
) -> None:
    """Windows of one name drift in both: each has its own run, but not within the other's cooldown."""
    first = Place(s3_settings, endpoint, tmp_path, "shared")
    settings = replace(s3_settings, data_bucket=f"{s3_settings.data_bucket}-production", environment="production")
    ObjectStore(settings).ensure_bucket(settings.data_bucket)
    second = Place(settings, endpoint, tmp_path, "shared")
    soon = [drift_event("shared", index) for index in range(3)]
    late = drift_event("shared", 20, hours=24)
    here = asyncio.run(life_after(first.trigger("here", Life()), *soon))
    assert [one.decision for one in here] == ["suppressed", "suppressed", "accepted"]
    there = asyncio.run(life_after(second.trigger("there", Life()), *soon, late))
    assert [one.decision for one in there] == [*["suppressed"] * 3, "accepted"]
    assert "cooldown" in there[2].reason
    assert pipelines.names("shared") == ["shared-retrain-1-000000", "shared-retrain-production-1-000000"]


def test_a_request_that_outlives_its_process_is_waited_for(s3_settings: Settings, tmp_path: Path) -> None:
    """The run appears after the next process has started: it is found, not made again."""
    slow = Pipelines(delay_seconds=0.2)
    with answering(slow) as endpoint:
        place = Place(s3_settings, endpoint, tmp_path, "outlives")
        events = [drift_event(place.loop, index) for index in range(3)]
        asyncio.run(life_after(place.trigger("calm", Life()), *events[:2]))
        with pytest.raises(Killed):
            asyncio.run(place.trigger("first", Life(), is_cut=True).handle(events[2]))
        told = asyncio.run(life_after(place.trigger("second", Life(), settle_seconds=2), *events))
    assert slow.names(place.loop) == [told[2].pipeline_run]


def test_a_claim_is_seen_to_without_its_event(
    s3_settings: Settings, endpoint: str, pipelines: Pipelines, tmp_path: Path
) -> None:
    """A process that starts makes the run that the one before claimed, though nobody asks again."""
    place = Place(s3_settings, endpoint, tmp_path, "unasked")
    events = [drift_event(place.loop, index) for index in range(3)]
    asyncio.run(life_after(place.trigger("calm", Life()), *events[:2]))
    for requests in range(1, 40):
        with suppress(Killed):
            asyncio.run(place.trigger("first", Life(requests)).handle(events[2]))
        if any(name.endswith("claim.json") for name in claims(place)):
            break
    assert pipelines.names(place.loop) == []

    async def idle() -> bool:
        async with place.trigger("second", Life()).lifespan(None):
            for _ in range(500):
                await asyncio.sleep(SETTLE_SECONDS / 5)
                if any(name.endswith("run.json") for name in claims(place)):
                    return True
        return False

    assert asyncio.run(idle())
    assert len(pipelines.names(place.loop)) == 1


def claims(place: Place) -> list[str]:
    """Names of the objects that claims leave."""
    prefix = f"s3://{place.settings.data_bucket}/trigger/{place.loop}/claims/"
    return list(ObjectStore(place.settings).names(prefix))


def test_two_processes_at_once_make_one_run(
    s3_settings: Settings, endpoint: str, pipelines: Pipelines, tmp_path: Path
) -> None:
    """While one takes over from another, both get every event; each event has one decision."""
    for number in range(5):
        place = Place(s3_settings, endpoint, tmp_path, f"two_{number}")
        events = [drift_event(place.loop, index) for index in range(5)]
        # Long enough for a request: reading the pipeline's file is most of it.
        pair = [place.trigger(owner, Life(), settle_seconds=5) for owner in ("old", "new")]

        async def both(pair: list[Trigger] = pair, events: list[CloudEvent] = events) -> list[Retrain]:
            async with pair[0].lifespan(None), pair[1].lifespan(None):
                return await asyncio.gather(*(delivered(one, event) for event in events for one in pair))

        told = asyncio.run(both())
        assert len(pipelines.names(place.loop)) == 1
        assert len(set(told)) == len(events)
        assert sum(one.decision == "accepted" for one in set(told)) == 1


def test_an_s3_server_that_is_away_means_later(s3_settings: Settings, endpoint: str, tmp_path: Path) -> None:
    """Nothing is decided without memory."""
    place = Place(replace(s3_settings, s3_endpoint="http://127.0.0.1:9"), endpoint, tmp_path, "no_memory")
    with pytest.raises(UnavailableError, match="S3 server"):
        asyncio.run(place.trigger("one", Life()).handle(drift_event("no_memory", 0)))
