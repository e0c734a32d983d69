"""A run of the training pipeline that a command waits for: submitted, followed step by step, ended by Ctrl-C."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from contracts.loop import LoopSpec
from contracts.settings import Settings
from contracts.window import Window

if TYPE_CHECKING:
    from pocket.progress import Progress

QUEUE, RUN = "queue", "run"
"""What is told beside the steps."""


def bring_up(on_progress: Progress, serving: bool) -> None:
    """Start what a run needs on this machine, unless the pipelines API is the user's own.

    `serving`: also what a rollout changes. If that is up it is left as it is: `up` might start it anew.
    """
    from pocket import process, services, state
    from pocket.environment import CONTROLLERS, users_own

    home = Settings.from_env().home
    if "KF_PIPELINES_ENDPOINT" in users_own(home, os.environ):
        return
    serves = state.read(home, CONTROLLERS)
    is_up = serves is not None and process.is_running(serves.pid, serves.token)
    services.up(home, os.environ, on_progress, pipelines=True, loop=serving and not is_up)


def settings_of_runs() -> Settings:
    """Settings that find this machine's servers, or the user's, with the commit of this checkout."""
    from pocket.checkout import code_version
    from pocket.environment import laid_under

    home = Settings.from_env().home
    settings = Settings.from_env(laid_under(home, os.environ))
    return replace(settings, code_version=os.environ.get("DRIFTLOOP_CODE_VERSION") or code_version())


def new_name(loop: str, kind: str) -> str:
    """A name no other run has; the loop's runs are known by its beginning."""
    return f"{loop}-{kind}-{datetime.now(UTC):%Y%m%dT%H%M%S%f}"


def run_pipeline(
    settings: Settings,
    spec: LoopSpec,
    windows: tuple[Window, Window],
    name: str,
    on_progress: Progress,
    rollout: str = "none",
    refit: str = "no",
) -> Any:
    """Submit a run and follow it to its end; kfp's V2beta1Run of one that went well.

    It lives on the server: it goes on if this process is killed. Ctrl-C asks for its termination. Errors: as
    `pipelines.submit.follow`.
    """
    from pipelines.submit import follow, submit

    steps = Steps(on_progress, spec.train.trials)
    try:
        run_id = submit(settings, spec, windows, name, rollout, refit)
        steps.submitted(name)
        return follow(settings, run_id, steps, steps.wait)
    except KeyboardInterrupt:
        _terminate(settings, name, on_progress)
        raise


def folder_of(run: Any) -> Path | None:
    """The folder of a run's files if they are on this machine."""
    root = Path(str((run.runtime_config and run.runtime_config.pipeline_root) or ""))
    return root.parent if root.is_absolute() and root.is_dir() else None


def _terminate(settings: Settings, name: str, on_progress: Progress) -> None:
    """By its name: the interruption may have come before the server told the id."""
    from pipelines.submit import run_named, terminate
    from pocket.progress import Step

    on_progress(Step(RUN, f"asking for the termination of {name}"))
    if run := run_named(settings, name):
        terminate(settings, run.run_id)
    on_progress(Step(RUN, f"{name} is terminated", done=True))


class Steps:
    """Tells the run's tasks as steps; the trials of the fan-out as one."""

    def __init__(self, on_progress: Progress, trials: int) -> None:
        self.trials = trials
        self._on_progress = on_progress
        self._trained = 0
        self._waits_for = ""

    def submitted(self, name: str) -> None:
        """The server has the run."""
        self._tell(RUN, f"{name} is submitted", done=True)

    def wait(self, what: str) -> None:
        """It has not begun."""
        if what != self._waits_for:
            self._tell(QUEUE, f"waits for {what}")
            self._waits_for = what

    def __call__(self, step: str, state: str) -> None:
        """A task has begun or ended."""
        if self._waits_for:
            self._tell(QUEUE, "its turn has come", done=True)
            self._waits_for = ""
        self._trained += step == "train" and state == "done"
        what = f"{self._trained} of {self.trials} trials" if step == "train" and state != "failed" else state
        finished = state != "running" and (step != "train" or self._trained >= self.trials)
        self._tell(step, what, finished)

    def _tell(self, step: str, what: str, done: bool = False) -> None:
        from pocket.progress import Step

        self._on_progress(Step(step, what, done))
