"""Is the loop worth it? A year of flights, played in event time through the real detector, policy, training and gate.

Exit code 1 if what must hold does not. See docs/worth.md.
"""

from __future__ import annotations

import argparse
import json
from datetime import date
from pathlib import Path

from worth import year
from worth.models import Workshop
from worth.play import play
from worth.quiet import quiet
from worth.rivals import everything, monthly, two_months
from worth.telling import show, story_of
from worth.traffic import Traffic
from worth.verdict import Case, claims
from worth.watch import version

from components.story import write
from contracts.loop import LoopSpec
from contracts.settings import Settings
from contracts.window import Window
from feature_store.contract import load
from pocket.progress import Progress, Step
from scripts import edge, progress

LOOP = Path(__file__).resolve().parents[1] / "pipelines" / "loops" / "flights.toml"
FIRST = Window(date(2013, 1, 1), date(2013, 3, 1))
"""What the first version is trained on."""
REST = Window(date(2013, 3, 1), date(2014, 1, 1))


def main() -> int:
    """The process' edge."""
    return edge.run(bench)


def bench() -> None:
    """Play, show, keep, and end with 1 if something that must hold does not."""
    options = _options()
    folder = Settings.from_env().home / "bench" / "worth"
    is_good = True
    for number, seed in enumerate(options.seeds):
        spec = LoopSpec.load(LOOP, (f"train.seed={seed}", *options.set))
        with progress.shown() as on_progress:
            case = _case(spec, folder, options.run_days, options.refit, on_progress)
        found = claims(case)
        show(case, found)
        _keep(case, folder)
        is_good = is_good and all(claim.holds for claim in found if claim.is_required)
        if number == 0:
            picture, page = write(story_of(spec.name, case), folder)
            print(f"The picture is {picture}, the page is {page}.")
    raise SystemExit(0 if is_good else 1)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[13, 1, 2], help="of training and of shuffles")
    parser.add_argument("--run-days", type=float, default=1, help="days of events until a run's version serves")
    parser.add_argument(
        "--refit",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="fit accepted versions on their holdout too, as the loop does",
    )
    parser.add_argument("--set", action="append", default=[], metavar="section.key=value", help="change the loop")
    return parser.parse_args()


def _case(spec: LoopSpec, folder: Path, run_days: float, is_refit: bool, on_progress: Progress) -> Case:
    frame = year.frame(spec, folder, on_progress)
    workshop = Workshop(frame, load(spec.name), folder / "fits")
    name = f"seed {spec.train.seed}"
    on_progress(Step(name, "search on January and February"))
    recipe = workshop.search(spec, FIRST)
    first = workshop.fit(spec, FIRST, recipe)
    traffic = Traffic.of(frame, workshop.contract, REST, spec.data.label_delay_hours)
    months = traffic.months()
    following = Window(REST.start, date(2013, 4, 1))
    expected = workshop.judge(spec, following, first, None).roc_auc
    on_progress(Step(name, "the loop"))
    serving = version(spec, traffic, 1, first, expected, 0)
    played = play(workshop, spec, traffic, serving, lambda _: recipe, run_days, refit=is_refit)
    on_progress(Step(name, "held-out rows, shuffled"))
    silence = quiet(workshop, spec, FIRST, recipe)
    on_progress(Step(name, "retrained every month"))
    case = Case(
        seed=spec.train.seed,
        months=months,
        never=traffic.roc_auc(serving.scores),
        two_months=monthly(workshop, spec, recipe, two_months, months),
        everything=monthly(workshop, spec, recipe, everything, months),
        loop=traffic.roc_auc(played.scores()),
        played=played,
        quiet=silence,
    )
    on_progress(Step(name, "played", done=True))
    return case


def _keep(case: Case, folder: Path) -> None:
    runs = [
        {
            "at": turn.at.isoformat(),
            "episode": turn.decision.episode,
            "accepted": turn.evaluation.accepted,
            "seconds": turn.seconds,
        }
        for turn in case.played.turns
    ]
    body = {
        "seed": case.seed,
        "months": [month.isoformat() for month in case.months],
        "roc_auc": {
            "never": case.never,
            "two_months": case.two_months,
            "everything": case.everything,
            "loop": case.loop,
        },
        "runs": runs,
        "quiet": vars(case.quiet),
    }
    (folder / f"worth-{case.seed}.json").write_text(json.dumps(body, indent=1))


if __name__ == "__main__":
    raise SystemExit(main())
