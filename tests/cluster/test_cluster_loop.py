"""The loop on a cluster, in the order of a version's life: what one test leaves, the next finds."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from tests.cluster.cluster_loop import (
    LOOP,
    answer,
    driftloop,
    make_second_namespace,
    number_of,
    retrain_decisions,
    traffic,
    write_environments,
)

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(2 * 3600)]
POLL_SECONDS = 10


def test_predict(champion: str) -> None:
    """A trained version answers by the open inference protocol."""
    outputs = {output["name"]: output["data"] for output in answer("predict", LOOP)["outputs"]}
    assert 0 <= outputs["probabilities"][-1] <= 1


def test_deploy(champion: str) -> None:
    """A version goes into service at once, and is the champion."""
    told = driftloop("deploy", f"{LOOP}/{champion}")
    assert f"version {champion} serves at" in told
    assert number_of("champion") == champion


def test_rollback(champion: str, challenger: str) -> None:
    """Without traffic there is nothing to judge a canary by: it goes back, and the champion serves on."""
    driftloop("rollout", f"{LOOP}/{challenger}", "--mode", "canary", exit_code=6)
    assert number_of("champion") == champion
    answer("predict", LOOP)


def test_canary(challenger: str) -> None:
    """Under traffic the same version is judged, step by step, and promoted."""
    with traffic(batch_rows=5):  # small requests: the rows must last while the canary starts
        told = driftloop("rollout", f"{LOOP}/{challenger}", "--mode", "canary")
    assert "promoted" in told
    assert number_of("champion") == challenger


def test_promote(champion: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What serves is approved, on evidence, and goes on into another namespace."""
    serving = number_of("champion")
    make_second_namespace()
    write_environments(tmp_path, os.environ.get("DRIFTLOOP_PREDICTOR_URL"))
    monkeypatch.setenv("DRIFTLOOP_ENVIRONMENTS", str(tmp_path))
    driftloop("approve", f"{LOOP}/{serving}", "--by", "the tests", "--reason", "it serves")
    told = driftloop("promote", f"{LOOP}/{serving}", "--to", "production", "--mode", "direct")
    assert "promoted" in told
    assert number_of("champion-production") == serving


def test_drift_and_retrain(champion: str) -> None:
    """Months of traffic drift away from what was learned: the trigger starts a run, and says why."""
    before = len(retrain_decisions())
    with traffic(batch_rows=100) as sender:
        while sender.poll() is None and not _accepted(before):
            time.sleep(POLL_SECONDS)
        assert _accepted(before), retrain_decisions()[before:]


def _accepted(before: int) -> bool:
    return any(decision["decision"] == "accepted" for decision in retrain_decisions()[before:])
