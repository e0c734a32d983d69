"""The loop on a cluster, in the order of a version's life: what one test leaves, the next finds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from contracts.settings import Settings
from pipelines.submit import run_named, stage_of
from tests.cluster import second_place
from tests.cluster.cluster_loop import (
    LOOP,
    answer,
    driftloop,
    number_of,
    retrain_decisions,
    versions_that_answer,
    wait_for,
)
from tests.cluster.live_traffic import Traffic, a_year, small_requests

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(2 * 3600)]
ENDED = {"SUCCEEDED", "SKIPPED", "FAILED", "CANCELED"}


def test_predict(champion: str) -> None:
    """A trained version answers by the open inference protocol."""
    outputs = {output["name"]: output["data"] for output in answer("predict", LOOP)["outputs"]}
    assert 0 <= outputs["probabilities"][-1] <= 1


def test_deploy(champion: str, challenger: str) -> None:
    """A version goes into service at once and is the champion; so does the one of before."""
    for number in (challenger, champion):
        told = driftloop("deploy", f"{LOOP}/{number}")
        assert f"version {number} serves at" in told
        assert number_of("champion") == number
        assert versions_that_answer() == {number}


def test_rollback(champion: str, challenger: str) -> None:
    """Without traffic there is nothing to judge a canary by: it goes back, and the champion serves on."""
    driftloop("rollout", f"{LOOP}/{challenger}", "--mode", "canary", exit_code=6)
    assert number_of("champion") == champion
    assert versions_that_answer() == {champion}


def test_canary(challenger: str, tmp_path: Path) -> None:
    """Under traffic the same version is judged, step by step, and promoted."""
    with small_requests(tmp_path / "traffic.log"):
        told = driftloop("rollout", f"{LOOP}/{challenger}", "--mode", "canary")
    assert "promoted" in told
    assert number_of("champion") == challenger
    assert versions_that_answer() == {challenger}


def test_promote(challenger: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What serves is approved, on evidence, and goes on into another namespace."""
    second_place.write_environments(tmp_path, Settings.from_env())
    monkeypatch.setenv("DRIFTLOOP_ENVIRONMENTS", str(tmp_path))
    reference = f"{LOOP}/{challenger}"
    with second_place.second_namespace():
        driftloop("approve", reference, "--by", "the tests", "--reason", "it serves")
        told = driftloop("promote", reference, "--to", second_place.NAME, "--mode", "direct")
    assert "promoted" in told
    assert number_of(f"champion-{second_place.NAME}") == challenger


def test_drift_and_retrain(challenger: str, tmp_path: Path) -> None:
    """Months of traffic drift away from what was learned: the trigger starts a run, says why, and the run succeeds."""
    known = {decision["drift_id"] for decision in retrain_decisions()}
    with a_year(tmp_path / "year.log") as year:
        accepted = _accepted(known, year)
    with small_requests(tmp_path / "after.log"):  # its version has to prove itself, too
        run = _ended_run(accepted["pipeline_run"])
    assert run.state == "SUCCEEDED", f"{run.display_name}: {run.state}. It was started because: {accepted['reason']}"
    assert len(versions_that_answer()) == 1


def _accepted(known: set[str], sender: Traffic) -> dict[str, Any]:
    """The first decision on other drift events than the known that starts a run."""
    told: list[dict[str, Any]] = []

    def look() -> dict[str, Any] | None:
        told[:] = [decision for decision in retrain_decisions() if decision["drift_id"] not in known]
        return next((decision for decision in told if decision["decision"] == "accepted"), None)

    def seen() -> str:
        last = "\n".join(f"{decision['at']} {decision['decision']}: {decision['reason']}" for decision in told[-10:])
        return f"{len(told)} decisions, the last:\n{last}\nThe traffic said: {sender.said()}"

    return wait_for("a drift event that starts a run", look, seen, sender.deadline)


def _ended_run(name: str) -> Any:
    """A run of the pipelines API, once it has ended."""
    settings, states = Settings.from_env(), [""]

    def look() -> Any:
        run = run_named(settings, name)
        states[0] = "no such run" if run is None else f"{run.state}, at {stage_of(run)}"
        return run if run is not None and run.state in ENDED else None

    return wait_for(f"the end of run {name}", look, lambda: states[0])
