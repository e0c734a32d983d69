"""`driftloop run`: one pipeline run, from rows to a registered version or a reasoned no."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from contracts.errors import RejectedError, disk_room
from contracts.loop import LoopSpec
from contracts.settings import Settings
from contracts.window import Window, parse_date

if TYPE_CHECKING:
    from components.evaluate import Evaluation
    from components.train import Result
    from pocket.progress import Progress
    from pocket.run import Run

Loop = Annotated[str, typer.Argument(help="Name of a loop: a file in pipelines/loops/.")]


@dataclass(frozen=True)
class Outcome:
    """What a run came to."""

    run: Run
    evaluation: Evaluation
    leaderboard: list[Result]
    """Trials, best first."""
    version: str | None
    """Number of the registered version; None if the gate said no."""


def run(
    loop: Loop = "flights",
    start: Annotated[str, typer.Option(help="First day of the training window, UTC.")] = "2013-01-01",
    end: Annotated[str, typer.Option(help="Day after the training window; the holdout begins here.")] = "2013-03-01",
    holdout_end: Annotated[
        str, typer.Option(help="Day after the holdout; by default gate.holdout_days after --end.")
    ] = "",
    override: Annotated[
        list[str] | None, typer.Option("--set", help="section.key=value laid over the loop's TOML; repeatable.")
    ] = None,
    rollout: Annotated[
        Literal["canary", "direct", "none"],
        typer.Option(help="How what passed the gate goes live: judged on a part of the traffic, at once, or not."),
    ] = "none",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,
) -> None:
    """Train, evaluate and register: the whole pipeline on one window. Ends with 6 if the gate says no.

    [dim]driftloop run flights --start 2013-01-01 --end 2013-03-01
    driftloop run flights --set data.source=s3://bucket/flights/ --set train.trials=20[/dim]
    """
    from scripts import progress, run_tables

    spec = load_loop(loop, tuple(override or ()))
    window = Window.parse(start, end)
    with progress.shown() as on_progress:
        outcome = run_loop(spec, window, holdout_of(spec, window, holdout_end), on_progress, rollout)
    if as_json:
        print(json.dumps(as_plain(outcome), indent=1))
    else:
        run_tables.show(outcome)
    require_accepted(outcome)


def load_loop(loop: str, overrides: tuple[str, ...] = ()) -> LoopSpec:
    """A loop's specification by its name."""
    from pipelines.compile import LOOPS

    return LoopSpec.load(LOOPS / f"{Path(loop).name}.toml", overrides)


def holdout_of(spec: LoopSpec, window: Window, holdout_end: str = "") -> Window:
    """The days after the training window on which the gate compares."""
    if holdout_end:
        return Window(window.end, parse_date("--holdout-end", holdout_end))
    return Window(window.end, window.end + timedelta(days=spec.gate.holdout_days))


def run_loop(spec: LoopSpec, window: Window, holdout: Window, on_progress: Progress, rollout: str = "none") -> Outcome:
    """Run the compiled pipeline on this machine, with its servers or the user's."""
    from components.evaluate import Evaluation
    from components.select import rank
    from components.split import Split
    from components.train import Result
    from pipelines.compile import COMPILED
    from pocket.checkout import code_version
    from pocket.environment import laid_under
    from pocket.run import run as run_pipeline

    Split.of(window, spec.train.validation_days)  # a mistake to tell before any work
    home = Settings.from_env().home
    params = {
        "spec": spec.to_json(),
        "start": str(window.start),
        "end": str(window.end),
        "holdout_end": str(holdout.end),
        "code_version": code_version(),
        "rollout": rollout,
    }
    steps = _Steps(on_progress, spec.train.trials)
    done = run_pipeline(home, laid_under(home, os.environ), spec.name, COMPILED, params, steps)
    return Outcome(
        run=done,
        evaluation=Evaluation.model_validate_json(done.artifact("evaluate", "evaluation").read_text()),
        leaderboard=rank([Result.model_validate_json(text) for text in done.outputs("train")], spec.train.metric),
        version=done.output("register"),
    )


def require_accepted(outcome: Outcome) -> None:
    """RejectedError, with the gate's reasons, unless the challenger was registered."""
    if outcome.version is None:
        reasons = " ".join(outcome.evaluation.reasons)
        raise RejectedError(f"The gate rejected the challenger: {reasons}", "Nothing was registered.")


def as_plain(outcome: Outcome) -> dict[str, object]:
    """The outcome for programs."""
    from contracts.model import ModelCard

    return {
        "version": outcome.version,
        "model_sha256": ModelCard.read(outcome.run.artifact("select", "challenger")).model_sha256,
        "evaluation": outcome.evaluation.model_dump(mode="json"),
        "leaderboard": [result.model_dump(mode="json") for result in outcome.leaderboard],
        "reports": {name: str(path) for name, path in reports(outcome.run).items()},
    }


def reports(run: Run) -> dict[str, Path]:
    """The pages a run wrote, by name, as files that a browser knows as pages."""
    names = {
        "validation": ("validate", "report"),
        "leaderboard": ("select", "leaderboard"),
        "evaluation": ("evaluate", "report"),
    }
    folder = run.folder / "reports"
    with disk_room(folder):
        folder.mkdir(exist_ok=True)
        return {name: Path(shutil.copy(run.artifact(*place), folder / f"{name}.html")) for name, place in names.items()}


class _Steps:
    """Tells the run's tasks as steps; the trials of the fan-out as one."""

    def __init__(self, on_progress: Progress, trials: int) -> None:
        self.on_progress = on_progress
        self.trials = trials
        self.trained = 0
        self.open: set[str] = set()

    def __call__(self, step: str, state: str) -> None:
        from pocket.progress import Step

        if state == "running":
            # kfp.local does not log the end of every task of a fan-out: the next step's start tells.
            for earlier in sorted(self.open - {step}):
                self.on_progress(Step(earlier, "done", done=True))
            self.open = {step}
        self.trained += step == "train" and state == "done"
        what = f"{self.trained} of {self.trials} trials" if step == "train" and state != "failed" else state
        finished = state != "running" and (step != "train" or self.trained >= self.trials)
        self.on_progress(Step(step, what, done=finished))
        if finished:
            self.open.discard(step)
