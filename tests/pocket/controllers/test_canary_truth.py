"""KServe's canary of the Knative mode, row by row, with real processes behind Envoy."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from controllers_parts import Home, Json, condition, fetch, isvc, shares, wait_until, word

Split = tuple[tuple[int, int, str], ...]
"""Number of the revision, percent and tag of each share."""


@dataclass(frozen=True)
class Step:
    """What is applied, and what follows from it."""

    promise: str
    model: str
    percent: int | None
    split: Split
    rolled_out: tuple[int, int] = (1, 0)
    """Latest and previous; 0 for none."""
    answers: str | None = None
    """The one model that answers, where there is one."""
    runs: tuple[int, ...] = ()
    """Revisions that have a process in the end; the others have none."""
    more: dict[str, Any] = field(default_factory=dict)


def only(number: int) -> Split:
    """Everything to one revision."""
    return ((number, 100, ""),)


def canary(latest: int, percent: int, stable: int) -> Split:
    """A canary beside what was rolled out last."""
    return ((latest, percent, ""), (stable, 100 - percent, "prev"))


BROKEN = {"BROKEN": "1"}
FIRST = Step("the first one gets everything", "a", None, only(1), answers="a", runs=(1,))
TABLE = {
    "a canary": [
        Step("the first create ignores the percent", "a", 10, canary(1, 10, 1), answers="a", runs=(1,)),
        Step("the percent is the latest's, the rest the last rolled out's", "b", 30, canary(2, 30, 1), runs=(1, 2)),
        Step("a change of the percent makes no revision", "b", 60, canary(2, 60, 1), runs=(1, 2)),
        Step("0 rolls back and keeps the revision", "b", 0, canary(2, 0, 1), answers="a", runs=(1, 2)),
        Step("100 promotes, and ends the one before", "b", 100, only(2), (2, 1), "b", (2,)),
        Step("0 after that starts the one before again", "b", 0, canary(2, 0, 1), (1, 1), "a", (1, 2)),
    ],
    "promotion": [
        FIRST,
        Step("a canary", "b", 20, canary(2, 20, 1), runs=(1, 2)),
        Step("without the field it is promoted", "b", None, only(2), (2, 1), "b", (2,)),
        Step("another model without the field goes straight to 100", "c", None, only(3), (3, 2), "c", (3,)),
    ],
    "the safe order": [
        FIRST,
        Step("straight", "b", None, only(2), (2, 1), "b", (2,)),
        Step("a model with 0 starts and gets nothing", "c", 0, canary(3, 0, 2), (2, 1), "b", (2, 3)),
        Step("its percent alone brings it in", "c", 50, canary(3, 50, 2), (2, 1), None, (2, 3)),
        Step("another model while it is on takes its share", "d", 50, canary(4, 50, 2), (2, 1), None, (2, 4)),
        Step("a model that is put back is a revision of its own", "c", 50, canary(5, 50, 2), (2, 1), None, (2, 5)),
    ],
    "failure": [
        FIRST,
        Step("one that never gets ready takes nothing", "b", None, only(1), (1, 0), "a", (1,), BROKEN),
        Step("in a canary neither", "b", 30, canary(1, 30, 1), (1, 0), "a", (1,), BROKEN),
        Step("another one heals it", "c", None, only(3), (3, 1), "c", (3,)),
        Step(
            "an annotation makes a revision",
            "c",
            30,
            canary(4, 30, 3),
            (3, 1),
            "c",
            (3, 4),
            {"annotations": {"a": "b"}},
        ),
    ],
}


@pytest.mark.parametrize("walk", TABLE, ids=lambda walk: walk.replace(" ", "-"))
def test_the_table(home: Home, walk: str) -> None:
    """Every step has the traffic, the names of the revisions and the processes that KServe would give it."""
    name = walk.replace(" ", "-")
    for step in TABLE[walk]:
        home.apply(isvc(name, step.model, step.percent, **step.more))
        status = home.await_status("InferenceService", name, lambda status, step=step: is_reached(status, step))
        shown, broken = status["components"]["predictor"], "BROKEN" in step.more
        rolled_out = rank(shown.get("latestRolledoutRevision")), rank(shown.get("previousRolledoutRevision"))
        assert rolled_out == step.rolled_out, step.promise
        assert [one["latestRevision"] for one in shown["traffic"]] == [True, False][: len(step.split)], step.promise
        created = rank(shown["latestCreatedRevision"])
        assert (rank(shown["latestReadyRevision"]) == created) is not broken, step.promise
        if step.answers:
            assert set(shares(status["url"], 20)) == {step.answers}, step.promise
        for number in range(1, created + (not broken)):
            wait_until(lambda number=number, step=step: home.runs(revision(name, number)) is (number in step.runs))
    home.delete("InferenceService", name)


def revision(name: str, number: int) -> str:
    """A revision's name."""
    return f"{name}-predictor-{number:05d}"


def is_reached(status: Json, step: Step) -> bool:
    """Whether a step's end shows in the status."""
    traffic = status["components"]["predictor"]["traffic"]
    found = tuple((rank(one["revisionName"]), one["percent"], one.get("tag", "")) for one in traffic)
    return found == step.split and word(status, "Ready") == ("False" if "BROKEN" in step.more else "True")


def rank(revision: str | None) -> int:
    """The number in a revision's name, 0 for none."""
    return int(revision.rpartition("-")[2]) if revision else 0


def test_a_failure_is_told(home: Home) -> None:
    """Conditions, modelStatus and an Event say which revision failed and with what words; the address still answers."""
    home.apply(isvc("told", "a"))
    home.await_ready("InferenceService", "told")
    home.apply(isvc("told", "b", BROKEN="1"))
    status = home.await_status("InferenceService", "told", lambda status: word(status, "Ready") == "False")
    failed = condition(status, "PredictorConfigurationReady")
    assert failed["reason"] == "RevisionFailed"
    assert "told-predictor-00002" in failed["message"]
    assert "this model cannot be loaded" in failed["message"]
    assert {kind: word(status, kind) for kind in ("PredictorReady", "LatestDeploymentReady", "RoutesReady")} == {
        "PredictorReady": "False",
        "LatestDeploymentReady": "False",
        "RoutesReady": "True",
    }
    model = status["modelStatus"]
    assert model["states"] == {"activeModelState": "Loaded", "targetModelState": "FailedToLoad"}
    assert model["transitionStatus"] == "BlockedByFailedLoad"
    assert model["lastFailureInfo"]["modelRevisionName"] == "told-predictor-00002"
    assert fetch(status["url"])[1]["env"]["MODEL"] == "a"
    events = home.call("GET", "/api/v1/namespaces/default/events?fieldSelector=involvedObject.name=told")["items"]
    assert {"RevisionCreated", "RevisionReady", "Promoted", "RevisionFailed"} <= {one["reason"] for one in events}
    home.delete("InferenceService", "told")


def test_until_it_is_ready_its_share_is_the_last_ready_revisions(home: Home, tmp_path: Path) -> None:
    """A canary that was rolled back gets requests again while the next one starts: hence the safe order."""
    home.apply(isvc("leak", "a"))
    home.await_ready("InferenceService", "leak")
    home.apply(isvc("leak", "b", 0))
    home.await_status("InferenceService", "leak", lambda status: is_reached(status, step(canary(2, 0, 1))))
    unready = tmp_path / "unready"
    unready.touch()
    home.apply(isvc("leak", "c", 40, UNREADY=str(unready)))
    status = home.await_status(
        "InferenceService", "leak", lambda status: [one["percent"] for one in traffic_of(status)] == [40, 60]
    )
    assert word(status, "Ready") == "Unknown"
    assert set(shares(status["url"], 60)) == {"a", "b"}
    unready.unlink()
    home.await_status("InferenceService", "leak", lambda status: is_reached(status, step(canary(3, 40, 1))))
    assert set(shares(status["url"], 60)) == {"a", "c"}
    home.delete("InferenceService", "leak")


def traffic_of(status: Json) -> list[Json]:
    """The shares in a status."""
    found: list[Json] = status["components"]["predictor"]["traffic"]
    return found


def step(split: Split) -> Step:
    """Where only the split matters."""
    return Step("", "", None, split)
