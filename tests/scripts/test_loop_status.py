"""How a loop stands, from what each server told of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread
from typing import Any, ClassVar

import pytest

from contracts.errors import UnavailableError
from contracts.eventlog import EventLog
from contracts.events import Drift, EventData, Retrain, Rollout, to_event
from contracts.objects import ObjectStore
from contracts.settings import Settings
from scripts.loop_sources import registered, run_under_way, told
from scripts.loop_status import answers, loops_status
from scripts.loop_table import lines

DAY = datetime(2013, 4, 1, tzinfo=UTC)
WINDOW = Drift(
    loop="flights", window_id="0", window="1-000000", model_version="1", start=DAY, end=DAY + timedelta(hours=9),
    rows=1000, features=(), scores=(), verdict="drift", reasons=("The scores drifted.",),
)  # fmt: skip
PROMOTED = Rollout(
    loop="flights", version="1", step_percent=100, verdict="promoted", decided_at=DAY, reasons=("First.",), evidence={}
)  # fmt: skip
SUPPRESSED = Retrain(
    loop="flights", drift_id="0", episode="e", at=WINDOW.end, decision="suppressed", reason="It is the first of two."
)  # fmt: skip


class Answers(BaseHTTPRequestHandler):
    """A server of JSON by path; 404 as MLflow has it for any other."""

    bodies: ClassVar[dict[str, Any]] = {}
    gone: ClassVar[Event] = Event()

    def do_GET(self) -> None:
        """One answer; none at all below /hangs."""
        if self.path.startswith("/hangs"):
            self.gone.wait(60)
            return
        found = self.bodies.get(self.path.partition("?")[0])
        body = json.dumps(found or {"error_code": "RESOURCE_DOES_NOT_EXIST"}).encode()
        self.send_response(200 if found else 404)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def web() -> Iterator[str]:
    """Address of a server of `Answers`."""
    Answers.bodies.clear()
    Answers.gone.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        Answers.gone.set()
        server.shutdown()
        thread.join()


def keep(settings: Settings, bucket: str, *told_in_order: EventData) -> None:
    """Store some decisions of the loop."""
    store = ObjectStore(settings)
    store.ensure_bucket(bucket)
    log = EventLog(store, bucket, "flights")
    for number, data in enumerate(told_in_order):
        uri = log.decision_uri(DAY + timedelta(minutes=number), data.name, "/test", str(number))
        store.put(uri, to_event(data, "/test").to_structured()[1])


def test_the_event_log_tells_window_decision_and_promotion(s3_settings: Settings) -> None:
    """Of each kind the newest; who reads it reads few objects of many."""
    keep(s3_settings, "loop-status", PROMOTED, WINDOW, replace_window("1-000001", "none"), SUPPRESSED)
    found = told(replace(s3_settings, data_bucket="loop-status"), "flights")
    assert found.window is not None
    assert (found.window.window, found.window.rows, found.window.verdict) == ("1-000001", 1000, "none")
    assert found.decision is not None
    assert (found.decision.kind, found.decision.verdict) == ("retrain", "suppressed")
    assert found.decision.why == "It is the first of two."
    assert found.promoted == {"1": DAY}


def replace_window(name: str, verdict: str) -> Drift:
    """The window under another name, with another verdict."""
    return Drift.model_validate({**WINDOW.model_dump(), "window": name, "verdict": verdict, "reasons": ()})


def test_mlflow_and_the_pipelines_api_are_asked_by_rest(web: str) -> None:
    """The champion's version, or that there is no such model; the newest run of the loop that has not ended."""
    settings = Settings.from_env({"MLFLOW_TRACKING_URI": web, "KF_PIPELINES_ENDPOINT": web})
    assert not registered(settings, "flights").has_versions
    Answers.bodies["/api/2.0/mlflow/registered-models/get"] = {
        "registered_model": {
            "latest_versions": [{"version": "2"}],
            "aliases": [{"alias": "challenger", "version": "2"}, {"alias": "champion", "version": "1"}],
        }
    }
    assert registered(settings, "flights").champion == "1"
    tasks = [{"display_name": "ingest", "state": "SUCCEEDED"}, {"display_name": "train", "state": "RUNNING"}]
    ended = {"display_name": "flights-run-2", "state": "SUCCEEDED"}
    begun = {"display_name": "flights-run-1", "state": "RUNNING", "run_details": {"task_details": tasks}}
    Answers.bodies["/apis/v2beta1/runs"] = {"runs": [ended, begun]}
    found = run_under_way(settings, "flights")
    assert found is not None
    assert (found.name, found.stage) == ("flights-run-1", "train")
    assert run_under_way(settings, "trains") is None


def test_a_server_that_hangs_hides_nothing_and_takes_no_longer(web: str) -> None:
    """What others told is there, and in its place stands that there was no answer."""
    waits = Event()

    def hangs(_: Settings, loop: str) -> str:
        waits.wait(60)
        return loop

    def fails(_: Settings, loop: str) -> str:
        raise UnavailableError(f"{loop} is away.")

    settings = Settings.from_env({})
    found = answers(settings, {"a": hangs, "b": lambda _, loop: loop.upper(), "c": fails}, ["flights"], 0.5)
    waits.set()
    assert found["b", "flights"] == "FLIGHTS"
    assert str(found["a", "flights"]) == "No answer within 0.5 s."
    assert str(found["c", "flights"]) == "flights is away."


def test_each_fact_that_is_not_known_says_why(web: str, tmp_path: Path) -> None:
    """MLflow tells of a champion; S3 refuses, nobody set the others."""
    (tmp_path / "flights.toml").touch()
    Answers.bodies["/api/2.0/mlflow/registered-models/get"] = {
        "registered_model": {"latest_versions": [{}], "aliases": [{"alias": "champion", "version": "7"}]}
    }
    env = {"MLFLOW_TRACKING_URI": web, "AWS_ENDPOINT_URL_S3": web, "DRIFTLOOP_LOOPS": str(tmp_path)}
    (loop,) = loops_status(Settings.from_env(env), env)
    assert (loop.loop, loop.champion and loop.champion.version) == ("flights", "7")
    assert loop.unknown.keys() == {"canary", "last_window", "last_decision", "run"}
    assert "AWS_ACCESS_KEY_ID is not set" in loop.unknown["last_window"]
    assert "KUBECONFIG is not set" in loop.unknown["canary"]
    assert dict(lines(loop))["champion"] == "version 7, promotion not logged"


def test_a_loop_nobody_knows_is_not_shown(web: str, tmp_path: Path) -> None:
    """Unless somebody who might know it does not answer."""
    (tmp_path / "flights.toml").touch()
    env = {"MLFLOW_TRACKING_URI": web, "DRIFTLOOP_LOOPS": str(tmp_path)}
    assert loops_status(Settings.from_env(env), env) == []
    env["MLFLOW_TRACKING_URI"] = f"{web}/hangs"
    (loop,) = loops_status(Settings.from_env(env), env, seconds=0.5)
    assert loop.unknown["champion"] == "No answer within 0.5 s."
