"""`driftloop replay`: the rows of some days as live traffic, with their labels arriving late."""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated

import typer

from contracts.errors import UnavailableError
from contracts.window import Window
from scripts.run_command import Loop, load_loop

if TYPE_CHECKING:
    from collections.abc import Iterable

    from contracts.settings import Settings
    from pocket.progress import Progress
    from scripts.replay.sender import Tally
    from scripts.replay.traffic import Day


def replay(
    loop: Loop = "flights",
    start: Annotated[str, typer.Option(help="First day to replay, UTC.")] = "2013-03-01",
    end: Annotated[str, typer.Option(help="Day after the last one.")] = "2013-04-01",
    batch_rows: Annotated[int, typer.Option(min=1, max=10_000, help="Rows of one request.")] = 100,
    clients: Annotated[int, typer.Option(min=1, max=64, help="Requests under way at once.")] = 4,
    shuffle: Annotated[
        int | None, typer.Option(help="Deal the rows' times anew with this seed: traffic in which nothing drifts.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,
) -> None:
    """Send past rows to the predictor as if they came now, and their labels to the event log as they become known.

    Ends with 4 if a request got no answer. Time in events is the rows' own: a year may pass in minutes.

    [dim]driftloop replay flights --start 2013-03-01 --end 2013-04-01
    driftloop replay flights --start 2013-01-01 --end 2013-03-01 --shuffle 1[/dim]
    """
    from scripts import progress
    from scripts.deploy_command import local_settings

    window = Window.parse(start, end)
    with progress.shown() as on_progress, TemporaryDirectory() as folder:
        settings = local_settings()
        days = prepare(settings, loop, window, Path(folder), batch_rows, shuffle, on_progress)
        tally = asyncio.run(send(settings, loop, days, clients, on_progress))
    if as_json:
        print(json.dumps(asdict(tally), indent=1))
    else:
        versions = ", ".join(f"version {name}: {rows:,}" for name, rows in sorted(tally.by_version.items()))
        print(f"{tally.rows:,} rows answered ({versions}), {tally.labels:,} labels told, {tally.failed:,} failed.")
    if tally.failed:
        raise UnavailableError(
            f"{tally.failed} of {tally.requests} requests failed; the last: {tally.last_failure}",
            "See `driftloop status` and the predictor's log.",
        )


def prepare(
    settings: Settings,
    loop: str,
    window: Window,
    folder: Path,
    batch_rows: int,
    shuffle: int | None,
    on_progress: Progress,
) -> Iterable[Day]:
    """The days of traffic of a window."""
    from feature_store.contract import load
    from scripts.replay import traffic
    from scripts.replay.frame import frame_of

    spec, contract = load_loop(loop), load(loop)
    rows = traffic.read(frame_of(settings, spec, window, folder, on_progress), contract)
    if shuffle is not None:
        rows = traffic.shuffled(rows, shuffle)
    delay = timedelta(hours=spec.data.label_delay_hours)
    return traffic.days(rows, loop, contract.labels, delay, batch_rows, window)


async def send(settings: Settings, loop: str, days: Iterable[Day], clients: int, on_progress: Progress) -> Tally:
    """Send day after day, each day's requests before its labels; what came of it."""
    from pocket.progress import Step
    from scripts.predictor_address import predictor_of
    from scripts.replay.sender import Sender

    async with Sender(predictor_of(settings, loop), settings.sink, loop, clients) as sender:
        for day in days:
            on_progress(Step("replay", f"{day.date}: {day.rows:,} rows"))
            await sender.ask(day.requests)
            await sender.tell(day.labels)
        on_progress(Step("replay", f"{sender.tally.rows:,} rows", done=True))
        return sender.tally
