"""`driftloop doctor`: whether this machine can run the loop, and what to do where it cannot."""

from __future__ import annotations

import json
from dataclasses import asdict

import typer

from contracts.errors import UnavailableError
from contracts.settings import Settings
from scripts.services_commands import Json

_MARKS = {"ok": "[green]✓[/green]", "warning": "[yellow]![/yellow]", "problem": "[red]✗[/red]"}


def doctor(as_json: Json = False) -> None:
    """Look at everything the loop needs of this machine; each problem with its remedy. Ends with 4 if there is one.

    [dim]driftloop doctor[/dim]
    """
    from rich.console import Console
    from rich.markup import escape

    from pocket.doctor import examine

    settings, found = Settings.from_env(), []
    console = Console(highlight=False, soft_wrap=True, quiet=as_json)
    for check in examine(settings.home, settings.loops):
        found.append(check)
        console.print(f"{_MARKS[check.verdict]} {check.name:<18} {escape(check.found)}")
        if check.remedy:
            console.print(f"  {'':<18} {escape(check.remedy)}", style="bold")
    if as_json:
        print(json.dumps([asdict(check) for check in found], indent=1))
    if any(check.verdict == "problem" for check in found):
        raise typer.Exit(UnavailableError.exit_code)
