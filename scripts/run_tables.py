"""What a run came to, as tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from scripts.run_command import Outcome, reports

if TYPE_CHECKING:
    from components.evaluate import Evaluation
    from components.train import Result


def show(outcome: Outcome) -> None:
    """Print the leaderboard, the evaluation and where the pages are."""
    console = Console()
    console.print(leaderboard(outcome.leaderboard))
    console.print(evaluation(outcome.evaluation))
    verdict = "[green]accepted[/green]" if outcome.evaluation.accepted else "[red]rejected[/red]"
    console.print(f"[bold]Gate:[/bold] {verdict}. {' '.join(outcome.evaluation.reasons)}")
    if outcome.version:
        console.print(f"[bold]Registered:[/bold] version {outcome.version}, alias challenger")
    if outcome.rollout:
        colour = "green" if outcome.rollout == "promoted" else "red"
        console.print(f"[bold]Rollout:[/bold] [{colour}]{outcome.rollout.replace('_', ' ')}[/{colour}]")
    for name, path in reports(outcome.run).items():
        console.print(f"[dim]{name} report:[/dim] {path}", soft_wrap=True, highlight=False)


def leaderboard(results: list[Result]) -> Table:
    """Trials, best first."""
    table = Table(title="Trials, scored on the last days of the training window", title_justify="left", box=None)
    for name in ("trial", "kind", "ROC AUC", "log loss", "fit s"):
        table.add_column(name, justify="left" if name == "kind" else "right", no_wrap=True)
    table.add_column("parameters", overflow="fold", style="dim")
    for position, result in enumerate(results):
        params = " ".join(f"{name}={value}" for name, value in result.trial.params.items())
        cells = (f"{result.roc_auc:.4f}", f"{result.log_loss:.4f}", f"{result.seconds:.1f}", params)
        table.add_row(str(result.trial.number), result.trial.kind, *cells, style="bold" if position == 0 else "")
    return table


def evaluation(found: Evaluation) -> Table:
    """Challenger beside champion on the holdout."""
    table = Table(title=f"Holdout {found.window}: {found.rows:,} rows", title_justify="left", box=None, min_width=60)
    for name in ("", "challenger", f"champion {found.champion or ''}"):
        table.add_column(name, justify="right" if name else "left")
    for name, ours, theirs in (
        ("ROC AUC", found.roc_auc, found.champion_roc_auc),
        ("log loss", found.log_loss, found.champion_log_loss),
    ):
        table.add_row(name, f"{ours:.4f}", "none yet" if theirs is None else f"{theirs:.4f}")
    if found.difference is not None:
        bounds = f"[{found.difference_low:+.4f}, {found.difference_high:+.4f}]"
        table.add_row(f"difference in {found.metric}", f"{found.difference:+.4f}", bounds.replace("[", "\\["))
    return table
