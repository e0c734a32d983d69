"""What every workflow keeps to: few rights, an end, and actions of a fixed version."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from pocket.checkout import ROOT

Json = dict[str, Any]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").iterdir())
WRITES = {
    ("images", "publish"): {"packages", "id-token"},
    ("release", "images"): {"packages", "id-token"},
    ("release", "release"): {"contents"},
}
"""(workflow, job) → what it may write; no other job may write anything."""


@pytest.fixture(params=WORKFLOWS, ids=lambda path: path.stem)
def workflow(request: pytest.FixtureRequest) -> Json:
    """One of them."""
    found: Json = yaml.safe_load(request.param.read_text())
    return found


def steps(workflow: Json) -> Iterator[Json]:
    """Every step of every job."""
    for job in workflow["jobs"].values():
        yield from job.get("steps", ())


def test_rights(workflow: Json) -> None:
    """A workflow reads; the jobs that write say what, and it is on the list."""
    assert workflow["permissions"] == {"contents": "read"}
    for name, job in workflow["jobs"].items():
        granted = {right for right, level in job.get("permissions", {}).items() if level != "read"}
        assert granted == WRITES.get((workflow["name"], name), set())


def test_ends(workflow: Json) -> None:
    """Each job has a time limit, and two runs for one branch do not go on beside each other."""
    assert {"group", "cancel-in-progress"} == set(workflow["concurrency"])
    assert all("timeout-minutes" in job or "uses" in job for job in workflow["jobs"].values())


def test_actions_are_pinned(workflow: Json) -> None:
    """By their whole version, and a checkout leaves no token behind."""
    for step in steps(workflow):
        if "uses" in step:
            assert re.fullmatch(r"[\w-]+/[\w-]+@v\d+\.\d+\.\d+", step["uses"])
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"] == {"persist-credentials": False}


def test_nothing_is_pasted_into_a_script(workflow: Json) -> None:
    """What comes from outside reaches a script as a variable: an expression in it could be anything."""
    assert [step["run"] for step in steps(workflow) if "${{" in step.get("run", "")] == []
