"""What a benchmark promises, and whether it holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console


@dataclass(frozen=True)
class Claim:
    """A sentence, and whether it holds."""

    text: str
    holds: bool


def tell(console: Console, claims: Sequence[Claim]) -> bool:
    """Print each; whether all hold."""
    for claim in claims:
        console.print("[green]holds[/green]" if claim.holds else "[red]FAILS[/red]", claim.text, highlight=False)
    return all(claim.holds for claim in claims)
