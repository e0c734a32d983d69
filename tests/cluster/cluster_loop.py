"""The loop as its user sees it: the command line, against whatever cluster the environment names."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any, TypeVar

from contracts.errors import ConfigError
from contracts.settings import Settings
from pipelines.submit import stage_of, under_way

LOOP = "flights"
COMMAND = (sys.executable, "-m", "scripts.cli")
SECONDS = 3000
"""How long a command or a wait may take: each step of a run is a pod there."""
POLL_SECONDS = 5.0
NO_GATE = ("gate.min_roc_auc=0.0", "gate.max_log_loss=9.0", "gate.min_slice_roc_auc=0.0", "gate.tolerance=1.0")
Found = TypeVar("Found")


def driftloop(*words: str, exit_code: int = 0) -> str:
    """What a command prints; it must end with that code."""
    done = _ended(*words)
    assert done.returncode == exit_code, (
        f"`driftloop {' '.join(words)}` ended with {done.returncode}, not {exit_code}:\n{done.stdout}{done.stderr}"
    )
    return done.stdout


def answer(*words: str) -> Any:
    """What a command prints with --json."""
    return json.loads(driftloop(*words, "--json"))


def number_of(alias: str) -> str | None:
    """The version that an alias names, or None."""
    done = _ended("lineage", f"{LOOP}@{alias}", "--json")
    if done.returncode == ConfigError.exit_code and "No registered version" in done.stderr:
        return None
    assert done.returncode == 0, f"nobody says which version is the {alias}:\n{done.stderr}"
    return str(json.loads(done.stdout)[LOOP]["version"])


def train(end: str, seed: int, *words: str) -> None:
    """One run of the pipeline over the year's days up to one, with a gate that lets everything pass."""
    settings = [word for one in (*NO_GATE, f"train.seed={seed}") for word in ("--set", one)]
    driftloop("run", LOOP, "--start", "2013-01-01", "--end", end, *settings, *words)


def versions_that_answer() -> set[str]:
    """Who answers the rows of one day."""
    return set(answer("replay", LOOP, "--start", "2013-04-01", "--end", "2013-04-02")["by_version"])


def retrain_decisions() -> list[dict[str, Any]]:
    """What the trigger has decided so far, oldest first."""
    lines = driftloop("events", LOOP, "--type", "retrain", "--lines", "100000", "--json").splitlines()
    return [json.loads(line)["data"] for line in lines]


def wait_for_quiet() -> None:
    """Let runs that somebody asked for before come to their end: their rollouts would get in the way of ours."""

    def is_quiet() -> bool | None:
        run = under_way(Settings.from_env(), LOOP)
        seen[:] = [] if run is None else [f"{run.display_name} is at {stage_of(run)}"]
        return True if run is None else None

    seen: list[str] = []
    wait_for(f"no run of {LOOP} under way", is_quiet, lambda: seen)


def wait_for(
    what: str,
    look: Callable[[], Found | None],
    seen: Callable[[], object],
    deadline: Callable[[float], float] = lambda begun: begun + SECONDS,
) -> Found:
    """What a look finds at last. A failure tells what was waited for and what was seen instead.

    `deadline` is asked again and again, with when the wait began; by the monotonic clock.
    """
    begun = time.monotonic()
    while (found := look()) is None:
        waited = time.monotonic() - begun
        assert time.monotonic() < deadline(begun), f"waited {waited:.0f} seconds for {what}. Seen: {seen()}"
        time.sleep(POLL_SECONDS)
    return found


def _ended(*words: str) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run([*COMMAND, *words], capture_output=True, text=True, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired as late:
        said = b"".join(part for part in (late.stdout, late.stderr) if isinstance(part, bytes)).decode(errors="replace")
        raise AssertionError(f"`driftloop {' '.join(words)}` has not ended in {SECONDS} seconds:\n{said}") from late
