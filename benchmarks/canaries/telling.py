"""The outcomes as a table and as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from live.claim import Claim
from rich.table import Table

from canaries.case import Case
from canaries.outcome import Outcome
from contracts.errors import disk_room


def table(outcomes: Sequence[tuple[Case, Outcome]]) -> Table:
    """A row a version."""
    found = Table(title="Canaries", title_justify="left", box=None, header_style="dim", padding=(0, 2, 0, 0))
    for name in ("version", "what it is", "verdict", "at %", "rows", "seconds", "clients saw fail", "why"):
        found.add_column(name, justify="right" if name in ("at %", "rows", "seconds", "clients saw fail") else "left")
    for case, one in outcomes:
        found.add_row(
            f"{one.version} {case.name}",
            case.what,
            ("[green]" if one.verdict == "promoted" else "[red]") + one.verdict.replace("_", " "),
            str(one.percent),
            f"{one.rows:,}",
            f"{one.seconds:.0f}",
            f"{one.failed} of {one.requests:,} ({one.failed_share:.2%})",
            _why(case, one),
        )
    return found


def write(path: Path, outcomes: Sequence[tuple[Case, Outcome]], claims: Sequence[Claim]) -> None:
    """Everything, for programs."""
    body = {
        "versions": [{"what": case.what, **asdict(one), "failed_share": one.failed_share} for case, one in outcomes],
        "claims": [asdict(claim) for claim in claims],
    }
    with disk_room(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(body, indent=1) + "\n")


def _why(case: Case, one: Outcome) -> str:
    """The reason that was expected, else all of them; the JSON has each."""
    named = [reason for reason in one.reasons if case.said and case.said in reason]
    return (named or [" ".join(one.reasons)])[0]
