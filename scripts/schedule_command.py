"""`driftloop schedule`: have a loop trained by the clock, on a server of Kubeflow Pipelines."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from contracts.errors import ConfigError
from scripts.run_command import Loop, load_loop


def schedule(
    loop: Loop = "flights",
    cron: Annotated[str, typer.Option(help="When, UTC: second minute hour day month weekday.")] = "",
    rollout: Annotated[
        Literal["canary", "direct", "none"], typer.Option(help="How what passed the gate goes live.")
    ] = "canary",
    delete: Annotated[bool, typer.Option("--delete", help="Take the loop's schedule away.")] = False,
) -> None:
    """Show a loop's recurring run; --cron makes it, or puts another in its place, --delete takes it away.

    The laptop's pipelines API has no recurring runs: this is for a cluster, at KF_PIPELINES_ENDPOINT.

    [dim]driftloop schedule flights --cron '0 0 4 * * *'
    driftloop schedule flights
    driftloop schedule flights --delete[/dim]
    """
    from pipelines import schedule as schedules
    from scripts.deploy_command import local_settings

    if cron and delete:
        raise ConfigError("--cron and --delete say the opposite of each other.")
    spec, settings = load_loop(loop), local_settings()
    if delete:
        print(f"{schedules.delete(settings, spec.name)} taken away")
        return
    found = [schedules.create(settings, spec, cron, rollout)] if cron else schedules.find(settings, spec.name)
    for one in found:
        state = "on" if one.enabled else "off"
        print(f"{one.name}: {one.cron} UTC, {state}, since {one.made_at:%Y-%m-%d %H:%M}, {one.id}")
    if not found:
        print(f"{loop} has no schedule")
