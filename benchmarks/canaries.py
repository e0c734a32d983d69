"""Bad versions do not get through: five of them and a good one, rolled out on the real servers under constant traffic.

Exit code 1 if a promise does not hold. See docs/rollout.md.
"""

from __future__ import annotations

import argparse
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from canaries import overlay
from canaries.case import CASES, CHAMPION, Case
from canaries.making import Workshop
from canaries.outcome import Outcome, Stage
from canaries.promises import claims
from canaries.telling import table, write
from live.claim import tell
from live.home import own_home
from live.rows import endless, within
from live.stream import Stream
from live.version import Rows
from rich.console import Console

from components import rollout
from components.cluster import custom_objects
from components.inference_service import InferenceService
from components.registry import Registry, Version
from components.tracking import Tracking
from contracts.loop import LoopSpec
from contracts.settings import Settings
from contracts.window import Window
from feature_store.contract import load
from pocket.progress import Progress, Step
from scripts import edge, progress
from scripts.deploy_command import local_settings
from scripts.replay import traffic
from scripts.replay.frame import frame_of

LOOP = Path(__file__).resolve().parents[1] / "pipelines" / "loops" / "flights.toml"
TRAINING = Window(date(2013, 1, 1), date(2013, 3, 1))
LIVE = Window(date(2013, 3, 1), date(2013, 4, 1))
"""Its rows are the traffic, one request each."""
STEP = timedelta(seconds=20)
"""Of event time between two requests: so many days go by that labels come, and no more."""
NAMES = [case.name for case in CASES]
PATIENCE = ("rollout.hold_seconds=120", "rollout.extensions=5")
"""A busy machine takes its time for the rows of a step; what is asked of them is as shipped."""


def main() -> int:
    """The process' edge."""
    return edge.run(bench)


def bench() -> None:
    """Play, show, keep, and end with 1 if a promise does not hold."""
    options = _options()
    kept = Settings.from_env().home / "bench" / "canaries.json"
    spec = LoopSpec.load(LOOP, (*PATIENCE, f"rollout.ready_seconds={options.ready_seconds}", *options.set))
    with (
        progress.shown() as on_progress,
        own_home(options.home, on_progress) as home,
        TemporaryDirectory(prefix="driftloop-canaries-") as place,
    ):
        found = _play(options, spec, home, Path(place), on_progress)
    console = Console(width=max(160, Console().width))
    console.print(table(found))
    told = [claim for case, outcome in found for claim in claims(case, outcome)]
    write(kept, found, told)
    print(f"All of it is in {kept}.")
    raise SystemExit(0 if tell(console, told) else 1)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, help="an empty folder, which is kept; else a temporary one")
    parser.add_argument("--rate", type=float, default=150, help="requests of one row a second, at most")
    parser.add_argument("--clients", type=int, default=4, help="requests under way at once")
    parser.add_argument("--ready-seconds", type=float, default=90, help="how long a revision may take to become ready")
    parser.add_argument("--only", nargs="+", choices=NAMES, default=NAMES, help="some of the versions")
    parser.add_argument("--set", action="append", default=[], metavar="section.key=value", help="change the loop")
    return parser.parse_args()


def _play(
    options: argparse.Namespace, spec: LoopSpec, home: Path, place: Path, on_progress: Progress
) -> list[tuple[Case, Outcome]]:
    settings = local_settings()
    frame = frame_of(settings, spec, Window(TRAINING.start, LIVE.end), place, on_progress)
    wanted = [case for case in CASES if case.name in options.only]
    workshop = Workshop(settings, spec, Rows(frame, TRAINING), Rows(frame, LIVE), place)
    versions = workshop.all([CHAMPION, *wanted], on_progress)
    overlay.apply(home, {versions[case.name].number: case.container for case in wanted if case.container})
    settings = _serving(settings, spec, versions[CHAMPION.name], place, on_progress)
    rows = within(traffic.read(frame, load(spec.name)), LIVE)
    days = endless(spec, rows, LIVE.start, STEP)
    registry = Registry(Tracking(settings.mlflow_tracking_uri))
    service = InferenceService(custom_objects(), settings.namespace, spec.name)
    with Stream(settings, spec.name, days, options.rate, options.clients, on_progress) as stream:
        stage = Stage(settings, spec, registry, service, stream, place)
        return [(case, _roll_out(stage, case, versions[case.name], on_progress)) for case in wanted]


def _roll_out(stage: Stage, case: Case, version: Version, on_progress: Progress) -> Outcome:
    on_progress(Step(case.name, f"version {version.number} is rolled out: {case.what}"))
    outcome = stage.play(case, version)
    on_progress(Step(case.name, f"{outcome.verdict.replace('_', ' ')} after {outcome.seconds:.0f} s", done=True))
    return outcome


def _serving(settings: Settings, spec: LoopSpec, champion: Version, place: Path, on_progress: Progress) -> Settings:
    """Let a version serve, by the same step; the settings that find it."""
    on_progress(Step("champion", f"version {champion.number} is the first to serve"))
    rollout.run(settings, spec, champion.number, "direct", place / "champion.html")
    on_progress(Step("champion", f"version {champion.number} serves", done=True))
    return local_settings()


if __name__ == "__main__":
    raise SystemExit(main())
