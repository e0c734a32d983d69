"""Is anything lost? Constant load on a whole home, in which each process in turn is killed with -9.

Exit code 1 if a promise does not hold. See docs/operating.md.
"""

from __future__ import annotations

import argparse
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from kills import small_loop, stored, training, victims
from kills.home import Home
from kills.load import Load
from kills.rows import DAYS, Rows
from kills.telling import keep, show
from kills.verdict import Case, claims, is_whole

from contracts.errors import ConfigError
from contracts.settings import Settings
from pocket.progress import Progress, Step
from scripts import edge, progress
from scripts.replay.frame import frame_of

STALL_SECONDS = 300.0
"""Without anything new in the event log for so long, nothing more will come. A Trigger's pauses are of that order."""
POLL_SECONDS = 3.0


def main() -> int:
    """The process' edge."""
    return edge.run(bench)


def bench() -> None:
    """Bring everything up, kill it piece by piece, and end with 1 if something that must hold does not."""
    options = _options()
    path = (options.home or Settings.from_env().home) / "bench" / "kills.json"
    with progress.shown() as on_progress, _running(options.home, on_progress) as home:
        case = _case(home, options, on_progress)
        found = claims(case)
    show(case, found)
    keep(case, found, path)
    print(f"All figures are in {path}.")
    is_good = all(claim.holds for claim in found)
    if is_good and options.home is None:
        shutil.rmtree(home.path)
    else:
        print(f"What ran, with its logs, is in {home.path}.")
    raise SystemExit(0 if is_good else 1)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=1, help="how often each process is killed")
    parser.add_argument("--seconds", type=float, default=5, help="of load before each kill, and before `up` after it")
    parser.add_argument("--rate", type=float, default=100, help="rows a second")
    parser.add_argument("--batch-rows", type=int, default=10, help="rows of one request")
    parser.add_argument("--home", type=lambda text: Path(text).resolve(), help="new folder to use and to keep")
    return parser.parse_args()


@contextmanager
def _running(given: Path | None, on_progress: Progress) -> Iterator[Home]:
    """A new home with everything up; nothing runs afterwards."""
    if given and given.exists() and any(given.iterdir()):
        raise ConfigError(f"{given} is not empty.", "Name a folder for this benchmark alone: what is in it is killed.")
    home = Home(given or Path(tempfile.mkdtemp(prefix="driftloop-kills-")))
    try:
        on_progress(Step("home", f"`driftloop up` in {home.path}"))
        home.up()
        on_progress(Step("home", f"up in {home.path}", done=True))
        yield home
    finally:
        on_progress(Step("down", "`driftloop down`"))
        home.down()
        on_progress(Step("down", "nothing runs", done=True))


def _case(home: Home, options: argparse.Namespace, on_progress: Progress) -> Case:
    _serve(home, on_progress)
    os.environ.update(home.env)
    with tempfile.TemporaryDirectory() as folder:
        frame = frame_of(home.settings(), small_loop.spec(), DAYS, Path(folder), on_progress)
        rows = Rows(frame, small_loop.spec(), options.batch_rows)
    with Load(rows.requests(), options.rate, home.settings()) as load:
        killed = [kill for _ in range(options.rounds) for kill in _round(home, load, options, on_progress)]
        time.sleep(options.seconds)
        load.tally.begin("training runs")
        trained = training.kill_all(home, lambda what: on_progress(Step("training", what)))
        on_progress(Step("training", f"{len(trained)} runs", done=True))
    whole = _settled(home, load, on_progress)
    return Case(load.tally, whole, killed, trained, training.open_runs(home))


def _serve(home: Home, on_progress: Progress) -> None:
    """Train a version and let it serve, as a user does."""
    on_progress(Step("version", "`driftloop run --rollout direct`"))
    sets = [part for override in small_loop.OVERRIDES for part in ("--set", override)]
    window = training.TRAINING
    home.driftloop(
        *("run", small_loop.LOOP, "--start", str(window.start), "--end", str(window.end)),
        *("--rollout", "direct", *sets),
    )
    on_progress(Step("version", "it serves", done=True))


def _round(home: Home, load: Load, options: argparse.Namespace, on_progress: Progress) -> Iterator[victims.Killed]:
    for name in victims.names(home.records()):
        what = victims.shown(name)
        time.sleep(options.seconds)
        load.tally.begin(what)
        killed = victims.kill(home, name, options.seconds, partial(_tell, on_progress, what))
        load.settings = home.settings()
        felt = load.tally.current
        on_progress(Step(what, f"back after {killed.seconds:.1f} s, {felt.refused} requests refused", done=True))
        yield killed


def _tell(on_progress: Progress, what: str, said: str) -> None:
    on_progress(Step("kills", f"{what}: {said}"))


def _settled(home: Home, load: Load, on_progress: Progress) -> stored.Stored:
    """What the event log holds once it holds all that is due, or does not grow any more."""
    since, size = time.monotonic(), ()
    while True:
        found = stored.read(home.log())
        if is_whole(load.tally, found) or (found.size == size and time.monotonic() - since > STALL_SECONDS):
            return found
        if found.size != size:
            since, size = time.monotonic(), found.size
            on_progress(Step("settle", f"{size[0]:,} rows and {size[1]:,} labels are stored"))
        time.sleep(POLL_SECONDS)


if __name__ == "__main__":
    raise SystemExit(main())
