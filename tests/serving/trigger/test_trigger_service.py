"""The trigger as a process: what it decides, and what it answers when something is away."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from service_process import ServiceProcess, environment, free_port, serving
from trigger_parts import Pipelines, answering, drift_event, write_loop

from contracts.cloudevent import CloudEvent, decode
from contracts.events import Retrain, from_event
from contracts.loop import LoopSpec
from contracts.settings import Settings

RULES = {
    "usual": "",
    "waits": "cooldown_days = 2",
    "frugal": "cooldown_days = 0\ndaily_budget = 1",
    "alone": "cooldown_days = 0\ndaily_budget = 10",
    "manual": "",
    "away": "",
    "again": "",
    "ahead": "",
}


@pytest.fixture(scope="module")
def pipelines() -> Pipelines:
    """The runs there are."""
    return Pipelines()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the loops, which differ in their rules."""
    folder = tmp_path_factory.mktemp("loops")
    for name, rules in RULES.items():
        write_loop(folder, name, rules)
    return folder


@pytest.fixture(scope="module")
def service(s3_settings: Settings, pipelines: Pipelines, folder: Path) -> Iterator[ServiceProcess]:
    """The trigger of those loops."""
    with answering(pipelines) as endpoint:
        env = environment(s3_settings, KF_PIPELINES_ENDPOINT=endpoint, DRIFTLOOP_LOOPS=str(folder))
        with serving("serving.trigger", env, folder) as running:
            yield running


def decided(service: ServiceProcess, event: CloudEvent) -> Retrain:
    """The decision that answers an event."""
    answer = service.post(event)
    assert answer.status_code == 200, answer.text
    told = decode(dict(answer.headers), answer.content)
    assert (told["source"], told["loop"]) == ("/driftloop/trigger", event["loop"])
    decision = from_event(told)
    assert isinstance(decision, Retrain)
    assert decision.drift_id == event["id"]
    return decision


def verdicts(service: ServiceProcess, loop: str, hours: float, windows: range) -> list[bool]:
    """Of windows so many hours apart that all drifted, which led to a run."""
    told = [decided(service, drift_event(loop, index, hours=hours)) for index in windows]
    return [one.decision == "accepted" for one in told]


def test_drift_that_persists_leads_to_a_run(service: ServiceProcess, pipelines: Pipelines, folder: Path) -> None:
    """Three of five windows. It trains on the days before the newest that have labels, with the loop's own rules."""
    shown = [
        decided(service, drift_event("usual", at, verdict)) for at, verdict in enumerate(("drift", "warning", "none"))
    ]
    shown += [decided(service, drift_event("usual", at)) for at in (3, 4)]
    assert [one.decision for one in shown] == ["suppressed"] * 4 + ["accepted"]
    run = next(run for run in pipelines.runs if run["display_name"] == shown[-1].pipeline_run)
    assert run["display_name"] == "usual-retrain-1-000000"
    assert run["runtime_config"]["parameters"] == {
        "spec": LoopSpec.load(folder / "usual.toml").to_json(),
        "start": "2013-01-01",
        "end": "2013-04-16",
        "holdout_end": "2013-04-30",
        "code_version": "unknown",
        "rollout": "canary",
        "refit": "yes",
        "data_version": "usual-retrain-1-000000",
    }


def test_a_cooldown_is_kept(service: ServiceProcess, pipelines: Pipelines) -> None:
    """Two days of event time without a second run."""
    assert verdicts(service, "waits", 12, range(8)) == [False, False, True, False, False, False, True, False]
    assert len(pipelines.names("waits")) == 2


def test_a_daily_budget_is_kept(service: ServiceProcess, pipelines: Pipelines) -> None:
    """One run a day of event time, and another on the next."""
    accepted = verdicts(service, "frugal", 4, range(12))
    assert [sum(accepted[:6]), sum(accepted[6:])] == [1, 1]
    assert len(pipelines.names("frugal")) == 2


def test_one_run_is_in_flight_at_a_time(service: ServiceProcess, pipelines: Pipelines) -> None:
    """Without cooldown or budget the next episode still waits for the run of the one before."""
    pipelines.state = "RUNNING"
    assert verdicts(service, "alone", 4, range(9)) == [False, False, True, *[False] * 6]
    for run in pipelines.runs:
        run["state"] = "FAILED"
    pipelines.state = "SUCCEEDED"
    assert verdicts(service, "alone", 4, range(9, 10)) == [True]
    assert len(pipelines.names("alone")) == 2


def test_a_run_made_by_hand_is_in_flight_too(service: ServiceProcess, pipelines: Pipelines) -> None:
    """Whatever it is called after the loop's name."""
    by_hand = {"run_id": "by-hand", "display_name": "manual-by-hand", "state": "PENDING"}
    pipelines.runs.append(by_hand)
    assert verdicts(service, "manual", 1, range(5)) == [False] * 5
    by_hand["state"] = "SUCCEEDED"
    assert verdicts(service, "manual", 1, range(5, 6)) == [True]


def test_an_event_that_comes_again_has_the_same_answer(service: ServiceProcess, pipelines: Pipelines) -> None:
    """Accepted or not, and whatever has happened since."""
    events = [drift_event("again", index) for index in range(5)]
    first = [decided(service, event) for event in events]
    assert [decided(service, event) for event in events] == first
    assert [one.decision for one in first].count("accepted") == 1
    assert len(pipelines.names("again")) == 1


def test_windows_of_the_future_lead_to_no_run_and_hinder_none(service: ServiceProcess, pipelines: Pipelines) -> None:
    """A client's clock was wrong; what happens meanwhile is decided on as ever."""
    future = 24 * 365 * 200
    told = [decided(service, drift_event("ahead", future + index)) for index in range(4)]
    assert all("later than now" in one.reason for one in told)
    assert pipelines.names("ahead") == []
    assert verdicts(service, "ahead", 1, range(3)) == [False, False, True]
    assert decided(service, drift_event("ahead", future)) == told[0]


def test_what_can_never_be_decided_is_refused_for_good(service: ServiceProcess) -> None:
    """422 for a loop that is not known here, and for another event than a drift event."""
    answer = service.post(drift_event("nobody", 0))
    assert (answer.status_code, "no loop 'nobody'" in answer.text) == (422, True)
    answer = service.post(CloudEvent({"id": "1", "source": "/t", "type": "other"}, b"{}"))
    assert answer.status_code == 422


def test_it_shows_what_it_has_decided(service: ServiceProcess) -> None:
    """GET /metrics, as Prometheus reads it."""
    decided(service, drift_event("usual", 0))
    assert "driftloop_trigger_decisions_total" in httpx.get(f"{service.url}/metrics").text


def test_a_pipelines_api_that_is_away_means_later(s3_settings: Settings, folder: Path, tmp_path: Path) -> None:
    """503, and nothing is claimed; once it is there the same event leads to its run."""
    port, pipelines = free_port(), Pipelines()
    env = environment(s3_settings, KF_PIPELINES_ENDPOINT=f"http://127.0.0.1:{port}", DRIFTLOOP_LOOPS=str(folder))
    with serving("serving.trigger", env, tmp_path) as service:
        answer = service.post(drift_event("away", 2))
        assert (answer.status_code, "pipelines API" in answer.text) == (503, True)
        with answering(pipelines, port):
            assert verdicts(service, "away", 1, range(3)) == [False, False, True]
    assert len(pipelines.names("away")) == 1
