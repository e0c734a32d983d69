"""`driftloop run`: one pipeline run, from rows to a registered version or a reasoned no."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from contracts.errors import RejectedError, disk_room
from contracts.loop import LoopSpec
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
    rollout: str | None
    """`promoted` or `rolled_back`; None if it was not asked for."""


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

    The run is the pipelines API's: it waits for one under way, and goes on if this command is killed. Ctrl-C ends it.

    [dim]driftloop run flights --start 2013-01-01 --end 2013-03-01
    driftloop run flights --set data.source=s3://bucket/flights/ --set train.trials=20[/dim]
    """
    from components.split import Split
    from scripts import pipeline_run, progress

    spec = load_loop(loop, tuple(override or ()))
    window = Window.parse(start, end)
    holdout = holdout_of(spec, window, holdout_end)
    Split.of(window, spec.train.validation_days)  # a mistake to tell before any work
    with progress.shown() as on_progress:
        pipeline_run.bring_up(on_progress, serving=rollout != "none")
        done = _submitted(spec, window, holdout, on_progress, rollout)
    if pipeline_run.folder_of(done) is None:
        _tell_of_run_elsewhere(done, as_json)
    else:
        _tell(outcome_of(spec, done), as_json)


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
    """Have the pipelines API of this machine run the compiled pipeline, and read what came of it."""
    return outcome_of(spec, _submitted(spec, window, holdout, on_progress, rollout))


def outcome_of(spec: LoopSpec, done: Any) -> Outcome:
    """What a run came to whose files are on this machine."""
    from components.evaluate import Evaluation
    from components.select import rank
    from components.train import Result
    from pocket.run import Run
    from scripts.pipeline_run import folder_of

    run = Run(folder_of(done) or Path())
    return Outcome(
        run=run,
        evaluation=Evaluation.model_validate_json(run.artifact("evaluate", "evaluation").read_text()),
        leaderboard=rank([Result.model_validate_json(text) for text in run.outputs("train")], spec.train.metric),
        version=run.output("register"),
        rollout=run.output("rollout"),
    )


def _submitted(spec: LoopSpec, window: Window, holdout: Window, on_progress: Progress, rollout: str) -> Any:
    from scripts.pipeline_run import new_name, run_pipeline, settings_of_runs

    return run_pipeline(
        settings_of_runs(), spec, (window, holdout), new_name(spec.name, "run"), on_progress, rollout=rollout
    )


def _tell(outcome: Outcome, as_json: bool) -> None:
    from scripts import run_tables

    if as_json:
        print(json.dumps(as_plain(outcome), indent=1))
    else:
        run_tables.show(outcome)
    require_accepted(outcome)


def _tell_of_run_elsewhere(done: Any, as_json: bool) -> None:
    """Of a run whose files a cluster has: where its page is. RejectedError unless a version was registered."""
    from pipelines.submit import log_of
    from scripts.pipeline_run import settings_of_runs

    place = log_of(settings_of_runs(), done)
    ended = {task.display_name for task in done.run_details.task_details if task.state == "SUCCEEDED"}
    facts = {"run": done.display_name, "run_id": done.run_id, "page": place, "registered": "register" in ended}
    print(json.dumps(facts, indent=1) if as_json else f"{done.display_name} has ended: {place}")
    if "register" not in ended:
        raise RejectedError("The gate rejected the challenger.", f"Its reasons: {place}")


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
        "rollout": outcome.rollout,
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
        "rollout": ("rollout", "report"),
    }
    there = {name: path for name, place in names.items() if (path := run.find(*place))}
    folder = run.folder / "reports"
    with disk_room(folder):
        folder.mkdir(exist_ok=True)
        return {name: Path(shutil.copy(path, folder / f"{name}.html")) for name, path in there.items()}
