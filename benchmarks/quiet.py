"""Quiet where nothing happens: held-out rows of the training months, shuffled in time, through the real loop.

Exit code 1 if a promise does not hold. See docs/worth.md.
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Iterable
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from live.claim import tell
from live.home import own_home
from live.rows import days, dealt
from live.version import Rows, registered
from rich.console import Console
from silence.finding import Finding, listen
from silence.halves import halves
from silence.loop_file import write_loop
from silence.promises import claims
from silence.telling import table, write

from components import rollout
from components.plan import sample
from contracts.loop import LoopSpec
from contracts.settings import Settings
from contracts.window import Window
from feature_store.contract import load
from pocket.progress import Progress, Step
from scripts import edge, progress
from scripts.deploy_command import local_settings
from scripts.predictor_address import predictor_of
from scripts.replay import traffic
from scripts.replay.frame import frame_of
from scripts.replay.sender import Sender, Tally
from scripts.replay.traffic import Day

LOOP = Path(__file__).resolve().parents[1] / "pipelines" / "loops" / "flights.toml"
MONTHS = Window(date(2013, 1, 1), date(2013, 3, 1))
"""Half of their rows are trained on, the other half is asked about."""
STEP = timedelta(seconds=90)
"""Of event time between two requests, about as in the year: 50,000 take 52 days."""
UNBOUND = ("retrain.cooldown_days=0", "retrain.min_service_days=0")
"""So that it is the statistics that keep quiet, and not a rule of the calendar."""


def main() -> int:
    """The process' edge."""
    return edge.run(bench)


def bench() -> None:
    """Play, show, keep, and end with 1 if a promise does not hold."""
    options = _options()
    kept = Settings.from_env().home / "bench" / "quiet.json"
    spec = LoopSpec.load(LOOP, (*UNBOUND, *options.set))
    with progress.shown() as on_progress, TemporaryDirectory(prefix="driftloop-quiet-") as place:
        loops = write_loop(spec, Path(place) / "loops")
        with own_home(options.home, on_progress, DRIFTLOOP_LOOPS=str(loops)):
            found = _play(options, spec, Path(place), on_progress)
    console = Console(width=max(140, Console().width))
    console.print(table(found))
    told = claims(spec, found)
    write(kept, found, told)
    print(f"All of it is in {kept}.")
    raise SystemExit(0 if tell(console, told) else 1)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, help="an empty folder, which is kept; else a temporary one")
    parser.add_argument("--rows", type=int, default=50_000, help="that are asked about")
    parser.add_argument("--batch-rows", type=int, default=1, help="rows of one request; the same windows, sooner")
    parser.add_argument("--clients", type=int, default=8, help="requests under way at once")
    parser.add_argument("--seed", type=int, default=13, help="of the halves and of the order")
    parser.add_argument("--set", action="append", default=[], metavar="section.key=value", help="change the loop")
    return parser.parse_args()


def _play(options: argparse.Namespace, spec: LoopSpec, place: Path, on_progress: Progress) -> Finding:
    settings = local_settings()
    kept, held_out = halves(frame_of(settings, spec, MONTHS, place, on_progress), options.seed, place)
    on_progress(Step("version", "trained on one half of the rows, judged on the other"))
    training, holdout = Rows(kept, MONTHS), Rows(held_out, MONTHS)
    version = registered(settings, spec, "quiet", sample(spec.train)[0], training, holdout, place)
    rollout.run(settings, spec, version.number, "direct", place / "rollout.html")
    on_progress(Step("version", f"version {version.number} serves", done=True))
    settings = local_settings()
    rows = dealt(traffic.read(held_out, load(spec.name)), options.rows, MONTHS.end, STEP, options.seed)
    tally = asyncio.run(_send(settings, spec.name, days(spec, rows, options.batch_rows), options, on_progress))
    return listen(settings, spec, version.number, tally, on_progress)


async def _send(
    settings: Settings, loop: str, asked: Iterable[Day], options: argparse.Namespace, on_progress: Progress
) -> Tally:
    """Each day's requests, then the labels that came to be known on it."""
    async with Sender(predictor_of(settings, loop), settings.sink, loop, options.clients) as sender:
        for day in asked:
            done = f"{sender.tally.rows:,} of {options.rows:,} rows"
            on_progress(Step("traffic", f"{day.date}: {done}, {sender.tally.labels:,} labels"))
            await sender.ask(day.requests)
            await sender.tell(day.labels)
        on_progress(Step("traffic", f"{sender.tally.requests:,} requests, {sender.tally.labels:,} labels", done=True))
        return sender.tally


if __name__ == "__main__":
    raise SystemExit(main())
