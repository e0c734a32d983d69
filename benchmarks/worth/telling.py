"""A case as the story that the demo tells too, and as tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import fmean

from rich.console import Console
from rich.table import Table

from components.story import Mark, MonthAuc, Retrained, Story
from worth.play import Turn
from worth.verdict import Case, Claim


def story_of(loop: str, case: Case) -> Story:
    """Its months, every decision, every retrain."""
    rows = zip(case.months, case.never, case.two_months, case.loop, strict=True)
    held = [
        Mark(drift.end, "suppressed", decision.reason, drift.model_version)
        for drift, decision in case.played.suppressed
    ]
    marks = sorted([*held, *_marks(case.played.turns)], key=lambda mark: mark.at)
    return Story(loop, tuple(MonthAuc(*row) for row in rows), tuple(marks), tuple(_retrains(case.played.turns)))


def _marks(turns: Sequence[Turn]) -> Iterator[Mark]:
    number = 1
    for turn in turns:
        yield Mark(turn.at, "retrain", turn.decision.reason, str(number))
        said = " ".join(turn.evaluation.reasons)
        yield Mark(turn.at, "gate_passed" if turn.live_at else "gate_rejected", said, str(number + 1))
        if turn.live_at:
            number += 1
            yield Mark(turn.live_at, "promoted", "The canary is taken to be ideal here.", str(number))


def _retrains(turns: Sequence[Turn]) -> Iterator[Retrained]:
    for turn in turns:
        decision = turn.decision
        outcome = "promoted" if turn.live_at else "rejected by the gate"
        days = f"[{decision.start}, {decision.end})"
        yield Retrained(turn.at, decision.episode or "", days, outcome, turn.seconds)


def show(case: Case, found: Sequence[Claim]) -> None:
    """Print ROC AUC by month, each run, and what holds."""
    console = Console(width=max(120, Console().width))
    console.print(_months(case))
    for turn in case.played.turns:
        evaluation = turn.evaluation
        console.print(
            f"  {turn.at:%Y-%m-%d} trained on [{turn.decision.start}, {turn.decision.end}): holdout "
            f"{evaluation.roc_auc:.4f} against {evaluation.champion_roc_auc:.4f}, "
            f"{'passed' if evaluation.accepted else 'rejected'}; fit {turn.seconds:.0f} s",
            highlight=False,
        )
    for claim in found:
        word = "[green]holds[/green]" if claim.holds else "[red]FAILS[/red]" if claim.is_required else "missed"
        console.print(word, claim.text, highlight=False)


def _months(case: Case) -> Table:
    table = Table(title=f"ROC AUC by month, seed {case.seed}", title_justify="left", box=None, header_style="dim")
    table.add_column("")
    for month in case.months:
        table.add_column(f"{month:%b}", justify="right")
    table.add_column("mean", justify="right")
    table.add_column("gained", justify="right")
    who = {
        "never retrained": case.never,
        "monthly, two months": case.two_months,
        "monthly, everything": case.everything,
        "driftloop": case.loop,
    }
    for name, values in who.items():
        figures = [f"{value:.4f}" for value in (*values, fmean(values))]
        table.add_row(name, *figures, f"{case.gained(values):.0%}")
    return table
