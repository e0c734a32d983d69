"""What every workflow keeps to: few rights, an end, and actions of a fixed version."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
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
    """By a commit, which nobody can move, and a checkout leaves no token behind."""
    for step in steps(workflow):
        if "uses" in step:
            assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", step["uses"])
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"] == {"persist-credentials": False}


def test_pins_say_their_version() -> None:
    """Beside each commit, for those who read; one commit is one version everywhere."""
    lines = [line for path in WORKFLOWS for line in path.read_text().splitlines() if "uses: " in line and "@" in line]
    pins = {tuple(line.split("uses: ")[1].split("  # ")) for line in lines}
    assert len(lines) > 10
    assert all(len(pin) == 2 and re.fullmatch(r"v\d+\.\d+\.\d+", pin[1]) for pin in pins)
    assert len({action.partition("@")[0] for action, _ in pins}) == len(pins)


def test_nothing_is_pasted_into_a_script(workflow: Json) -> None:
    """What comes from outside reaches a script as a variable: an expression in it could be anything."""
    assert [step["run"] for step in steps(workflow) if "${{" in step.get("run", "")] == []


SLIPS = ["stepps: []", "needs: [missing]", "if: github.nothing.at_all", "env: {X: '${{ secrets.A '}", "if: always(1)"]
JOB = "    timeout-minutes: 60\n"


@pytest.mark.parametrize("slip", SLIPS)
def test_the_linter_of_check_files_sees_a_slip(slip: str, tmp_path: Path) -> None:
    """A key, a job or a property that there is not, a wrong expression: in a workflow that is clean without it."""
    assert lint(CHECK, tmp_path) == (0, "")
    assert CHECK.count(JOB) == 1
    status, told = lint(CHECK.replace(JOB, f"{JOB}    {slip}\n"), tmp_path)
    assert status == 1
    assert "<stdin>:" in told


CHECK = (ROOT / ".github" / "workflows" / "check.yaml").read_text()


def lint(text: str, folder: Path) -> tuple[int, str]:
    """Exit code and words of the linter, as `make check-files` calls it."""
    command = [str(Path(sys.executable).with_name("jactionlint")), "--strict-exit", "--no-hints", "-"]
    done = subprocess.run(command, cwd=folder, input=text, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr
