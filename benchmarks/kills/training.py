"""Kills within a training run: it must be told as failed, leave nothing open, and the next one must go well."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import psutil

from contracts.errors import DriftloopError, UnavailableError
from contracts.window import Window
from kills import small_loop
from kills.home import Home
from pipelines import submit
from pocket.environment import PIPELINES
from scripts.run_command import holdout_of

TRAINING = Window.parse("2013-01-01", "2013-03-01")
SHORT = Window.parse("2013-02-01", "2013-03-01")
"""Of the runs that are killed, and of the last, which need not pass the gate."""
STEP = "features"
"""When it is under way, or has just been, the run is killed."""
WARM, LAST = "warm Python of a run", "the run after them"
PROGRAMS = {"run": "pocket.kfp_local", WARM: "pocket.warm.server", "pipelines API in a run": ""}
"""What is killed, by the module it runs; none: the API itself, which `up` brings back."""


_REASONS = ("SIGKILL", "while the run was in progress", "failed")
"""Words of it: a server that is only away says something else."""


@dataclass(frozen=True)
class Ended:
    """A run, and how it ended."""

    what: str
    state: str
    error: str

    @property
    def holds(self) -> bool:
        """Killed: it failed, and says why. Without its warm Python it may go on, with cold ones."""
        if self.state == "SUCCEEDED":
            return self.what in (WARM, LAST)
        return self.what != LAST and any(word in self.error for word in _REASONS)


def kill_all(home: Home, on_kill: Callable[[str], None]) -> list[Ended]:
    """A run for each of them, killed in a step; then one that is left alone."""
    return [_ended(home, what, on_kill) for what in (*PROGRAMS, LAST)]


def open_runs(home: Home) -> list[str]:
    """MLflow runs that say they are in progress."""
    import mlflow

    client = mlflow.MlflowClient(home.settings().mlflow_tracking_uri)
    experiments = [found.experiment_id for found in client.search_experiments()]
    return [found.info.run_id for found in client.search_runs(experiments, "attributes.status = 'RUNNING'")]


class _Reached(Exception):  # noqa: N818 - no error: the run is where it is to be killed
    pass


def _ended(home: Home, what: str, on_kill: Callable[[str], None]) -> Ended:
    spec, name = small_loop.spec(), f"{small_loop.LOOP}-{what.replace(' ', '-')}"
    run_id = submit.submit(home.settings(), spec, (SHORT, holdout_of(spec, SHORT)), name)
    on_kill(f"{what}: begun")
    try:
        if what in PROGRAMS:
            _follow_to_step(home, run_id)
            _kill(home, PROGRAMS[what])
            on_kill(f"{what}: killed")
        submit.follow(home.settings(), run_id, lambda *_: None)  # where the API may have moved to
    except DriftloopError as error:
        return Ended(what, "FAILED", str(error))
    return Ended(what, "SUCCEEDED", "")


def _follow_to_step(home: Home, run_id: str) -> None:
    def watch(step: str, _: str) -> None:
        if step == STEP:
            raise _Reached

    with suppress(_Reached):
        submit.follow(home.settings(), run_id, watch)


def _kill(home: Home, module: str) -> None:
    server = home.records()[PIPELINES].pid
    if not module:
        os.kill(server, signal.SIGKILL)
        home.up()
        return
    found = [child for child in psutil.Process(server).children(recursive=True) if module in child.cmdline()]
    if not found:
        raise UnavailableError(f"No process of the run is {module}.")
    found[0].kill()
