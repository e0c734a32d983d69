"""`driftloop doctor`: whether this machine can run the loop, and what to do where it cannot."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from contracts.errors import DriftloopError
from contracts.settings import Settings
from scripts.services_commands import Json

if TYPE_CHECKING:
    from pocket.doctor import Check

Cluster = Annotated[bool, typer.Option("--cluster", help="What a kind cluster needs, instead of the laptop's servers.")]
_MARKS = {"ok": "[green]✓[/green]", "warning": "[yellow]![/yellow]", "problem": "[red]✗[/red]"}


def doctor(cluster: Cluster = False, as_json: Json = False) -> None:
    """Look at everything the loop needs of this machine; each problem with its remedy. Ends with 1 if there is one.

    [dim]driftloop doctor
    driftloop doctor --cluster[/dim]   before `driftloop cluster up`
    """
    found = list(_examined(cluster) if as_json else shown(_examined(cluster)))
    if as_json:
        print(json.dumps([asdict(check) for check in found], indent=1))
    if any(check.verdict == "problem" for check in found):
        raise typer.Exit(DriftloopError.exit_code)


def shown(checks: Iterable[Check]) -> Iterator[Check]:
    """Each check, printed as soon as it is there: some take a moment."""
    from rich.console import Console
    from rich.markup import escape

    console = Console(highlight=False, soft_wrap=True)
    for check in checks:
        console.print(f"{_MARKS[check.verdict]} {check.name:<18} {escape(check.found)}")
        if check.remedy:
            console.print(f"  {'':<18} {escape(check.remedy)}", style="bold")
        yield check


def _examined(cluster: bool) -> Iterable[Check]:
    if cluster:
        from scripts.cluster import preflight

        return preflight.examine()
    from pocket.doctor import examine

    settings = Settings.from_env()
    return examine(settings.home, settings.loops)
