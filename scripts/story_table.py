"""The story of a loop as a table, and as the figures of a summary."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from contracts.events import Drift, Retrain, Rollout

if TYPE_CHECKING:
    from rich.console import Console

    from components.story import Story
    from scripts.demo_story import Traffic

_WHO = {"never": "auc_static", "monthly": "auc_monthly", "driftloop": "auc_loop"}


def summary(told: Story, traffic: Traffic, decided: Sequence[Drift | Retrain | Rollout]) -> dict[str, Any]:
    """What goes into summary.json."""
    return {
        "months": [
            {"month": f"{one.month:%Y-%m}", **{name: _round(getattr(one, who)) for who, name in _WHO.items()}}
            for one in told.months
        ],
        "retrains": len(told.retrains),
        "retrain_seconds": [round(one.seconds, 1) for one in told.retrains],
        "runs": [{"at": one.at.isoformat(), "days": one.days, "outcome": one.outcome} for one in told.retrains],
        "decisions": [_plain(data) for data in decided if not isinstance(data, Drift)],
        "events_sent": traffic.sent,
        "events_stored": traffic.stored,
        "requests_failed": traffic.tally.failed,
    }


def show(console: Console, told: Story) -> None:
    """The table, from a story."""
    _table(
        console,
        [(f"{one.month:%Y-%m}", one.never, one.monthly, one.driftloop) for one in told.months],
        [f"{one.at:%Y-%m-%d}: trained on {one.days}, {one.outcome}, {one.seconds:.0f} s" for one in told.retrains],
    )


def show_summary(console: Console, told: Mapping[str, Any]) -> None:
    """The same table, from a summary."""
    runs = zip(told["runs"], told["retrain_seconds"], strict=True)
    _table(
        console,
        [(one["month"], *(one[name] for name in _WHO.values())) for one in told["months"]],
        [f"{run['at'][:10]}: trained on {run['days']}, {run['outcome']}, {seconds:.0f} s" for run, seconds in runs],
    )


def _table(console: Console, months: Sequence[tuple[Any, ...]], runs: Sequence[str]) -> None:
    from rich.table import Table

    table = Table("month", "never retrained", "retrained monthly", "driftloop", box=None, pad_edge=True)
    for column in table.columns[1:]:
        column.justify = "right"
    for month, *figures in months:
        best = max((figure for figure in figures if figure is not None), default=None)
        table.add_row(month, *(_cell(figure, best) for figure in figures))
    means = [_mean([row[place] for row in months]) for place in (1, 2, 3)]
    table.add_section()
    table.add_row("mean", *(_cell(mean, max(filter(None, means), default=None)) for mean in means))
    console.print(table)
    console.print(f"   {len(runs)} retrained: " if runs else "   Never retrained.", end="" if not runs else "\n")
    for run in runs:
        console.print(f"   · {run}")


def _cell(figure: float | None, best: float | None) -> str:
    if figure is None:
        return "–"
    return f"[bold green]{figure:.4f}[/bold green]" if figure == best else f"{figure:.4f}"


def _mean(figures: Sequence[float | None]) -> float | None:
    known = [figure for figure in figures if figure is not None]
    return sum(known) / len(known) if known else None


def _round(figure: float | None) -> float | None:
    return None if figure is None else round(figure, 6)


def _plain(data: Retrain | Rollout) -> dict[str, str]:
    if isinstance(data, Retrain):
        return {"time": data.at.isoformat(), "kind": "retrain", "verdict": data.decision, "reason": data.reason}
    reason = " ".join(data.reasons)
    return {"time": data.decided_at.isoformat(), "kind": "rollout", "verdict": data.verdict, "reason": reason}
