"""A case as tables, and as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.table import Table

from kills.tally import Felt
from kills.verdict import Case, Claim
from kills.victims import Killed


def show(case: Case, found: Sequence[Claim]) -> None:
    """Print what each kill did, what became a dead letter, and what holds."""
    console = Console(width=max(140, Console().width), highlight=False)
    console.print(_kills(case))
    console.print(_runs(case))
    for why, count in case.stored.dead.items():
        console.print(f"{count} dead letters: {why}")
    table = Table(title="Promises", title_justify="left", box=None, header_style="dim")
    for column in ("", "promise", "seen"):
        table.add_column(column)
    for claim in found:
        word = "[green]holds[/green]" if claim.holds else "[red]FAILS[/red]"
        table.add_row(word, claim.text, claim.figures)
    console.print(table)


def keep(case: Case, found: Sequence[Claim], path: Path) -> None:
    """Write it as JSON."""
    body = {
        "kills": [asdict(kill) for kill in case.killed],
        "felt": {what: {**vars(felt), "why": dict(felt.why)} for what, felt in case.tally.felt.items()},
        "runs": [asdict(run) for run in case.trained],
        "dead_letters": dict(case.stored.dead),
        "promises": [asdict(claim) for claim in found],
        "lost_rows": sorted(case.tally.rows - set(case.stored.rows))[:100],
        "lost_labels": sorted(case.tally.labels - case.stored.labels)[:100],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(body, indent=1))


def _kills(case: Case) -> Table:
    table = Table(title="Kills", title_justify="left", box=None, header_style="dim")
    for column in ("killed", "times", "comes back by", "after s", "`up` s", "answered", "refused", "slowest s"):
        table.add_column(column, justify="left" if column in ("killed", "comes back by") else "right")
    table.add_column("label events refused", justify="right")
    table.add_column("most often")
    for what in dict.fromkeys(kill.what for kill in case.killed):
        kills = [kill for kill in case.killed if kill.what == what]
        felt = case.tally.felt.get(what, Felt())
        table.add_row(what, str(len(kills)), *_came_back(kills), *_felt(felt))
    return table


def _came_back(kills: Sequence[Killed]) -> tuple[str, ...]:
    """How, and of all times the longest."""
    by = "itself" if kills[0].by_itself else "driftloop up"
    failed = any(kill.failure for kill in kills)
    ups = [kill.up_seconds for kill in kills if kill.up_seconds is not None]
    up = f"{max(ups):.1f}" if ups else ""
    return f"[red]not {by}[/red]" if failed else by, f"{max(kill.seconds for kill in kills):.1f}", up


def _felt(felt: Felt) -> tuple[str, ...]:
    most = ", ".join(f"{count} × {why}" for why, count in felt.why.most_common(1))
    figures = f"{felt.requests:,}", str(felt.refused), f"{felt.slowest_seconds:.1f}", str(felt.events_refused)
    return *figures, most


def _runs(case: Case) -> Table:
    table = Table(title="Training runs", title_justify="left", box=None, header_style="dim")
    for column in ("killed", "ended", "said"):
        table.add_column(column)
    for run in case.trained:
        table.add_row(run.what, run.state, " ".join(run.error.split())[:100])
    return table
