"""`driftloop retrain`: one training run by hand, on the days the policy would choose."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from contracts.window import Window, parse_date
from scripts.run_command import Loop, load_loop


def retrain(
    loop: Loop = "flights",
    today: Annotated[str, typer.Option(help="The day on which it is decided; labels are those known by then.")] = "",
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Follow the run to its end.")] = True,
) -> None:
    """Start a training run that ends with a canary, as drift would, whatever the policy thinks of it.

    Through the Kubeflow Pipelines API that KF_PIPELINES_ENDPOINT names. It counts as a run in flight.

    [dim]driftloop retrain flights --today 2013-05-01[/dim]
    """
    from contracts.days import Days
    from pipelines.submit import follow, submit
    from pocket.progress import Step
    from scripts import progress
    from scripts.deploy_command import local_settings

    spec, settings = load_loop(loop), local_settings()
    now = datetime.now(UTC)
    at = Window(parse_date("--today", today), parse_date("--today", "9999-12-31")).start_time if today else now
    days = Days.of(spec, at)
    windows = Window(days.start, days.end), Window(days.end, days.holdout_end)
    name = f"{loop}-manual-{now:%Y%m%dT%H%M%S}"
    run_id = submit(settings, spec, windows, name, rollout="canary", refit="yes")
    print(f"{name}: trains on {windows[0]}, is judged on {windows[1]}; run {run_id}")
    if wait:
        with progress.shown() as on_progress:
            follow(settings, run_id, lambda step, state: on_progress(Step(step, state, done=state != "running")))
