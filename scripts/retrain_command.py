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

    Through the Kubeflow Pipelines API that KF_PIPELINES_ENDPOINT names. It counts as a run in flight. Ctrl-C ends it.

    [dim]driftloop retrain flights --today 2013-05-01[/dim]
    """
    from contracts.days import Days
    from pipelines.submit import submit
    from scripts import progress
    from scripts.pipeline_run import new_name, run_pipeline, settings_of_runs

    spec, settings, name = load_loop(loop), settings_of_runs(), new_name(loop, "manual")
    at = Window(parse_date("--today", today), parse_date("--today", "9999-12-31")).start_time if today else None
    days = Days.of(spec, at or datetime.now(UTC))
    windows = Window(days.start, days.end), Window(days.end, days.holdout_end)
    print(f"{name}: trains on {windows[0]}, is judged on {windows[1]}")
    if wait:
        with progress.shown() as on_progress:
            run_pipeline(settings, spec, windows, name, on_progress, rollout="canary", refit="yes")
    else:
        print(f"run {submit(settings, spec, windows, name, rollout='canary', refit='yes')}")
