"""`driftloop drift`: the windows of live traffic, and what each showed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from contracts.errors import ConfigError
from contracts.events import Drift, Evidence, from_event
from scripts.run_command import Loop
from scripts.services_commands import Json

if TYPE_CHECKING:
    from collections.abc import Sequence

_COLOURS = {"none": "green", "warning": "yellow", "drift": "red"}


def drift(
    loop: Loop = "flights",
    window: Annotated[str, typer.Option(help="One window's evidence; without it, a line a window.")] = "",
    as_json: Json = False,
) -> None:
    """Show what the detector found in the windows of a loop, or the evidence of one of them.

    [dim]driftloop drift flights
    driftloop drift flights --window 1-000003[/dim]
    """
    from contracts.eventlog import EventLog
    from contracts.objects import ObjectStore
    from scripts.deploy_command import local_settings

    settings = local_settings()
    told = EventLog(ObjectStore(settings), settings.data_bucket, loop).decisions()
    found = [data for _, event in told if isinstance(data := from_event(event), Drift)]
    if window:
        found = [data for data in found if data.window == window]
        if not found:
            raise ConfigError(f"There is no window {window!r} of {loop}.", "See `driftloop drift` for those there are.")
    if as_json:
        print(json.dumps([data.model_dump(mode="json") for data in found], indent=1))
    elif window:
        _show_evidence(found[-1])
    else:
        _show_windows(found)


def _show_windows(found: Sequence[Drift]) -> None:
    from rich.console import Console

    console = Console(soft_wrap=True, highlight=False)
    for data in found:
        verdict = f"[{_COLOURS[data.verdict]}]{data.verdict:<7}[/]"
        seen = data.performance
        worth = f"ROC AUC {seen.value:.3f} ({seen.low:.3f}–{seen.high:.3f})" if seen else ""
        span = f"{data.start:%Y-%m-%d %H:%M} – {data.end:%Y-%m-%d %H:%M}"
        console.print(
            f"{data.window:<12} {span}  {data.rows:>6,} rows  {verdict}  {worth:<29}  {' '.join(data.reasons)}"
        )
    if not found:
        console.print("No window has been judged yet.")


def _show_evidence(data: Drift) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("column", "test", "statistic", "p-value", "drifted", box=None, header_style="dim")
    for test in sorted((*data.scores, *data.features), key=_strength):
        table.add_row(test.feature, test.test, f"{test.statistic:.4g}", f"{test.p_value:.3g}", "yes" * test.drifted)
    console = Console()
    console.print(table)
    share = "" if data.drifted_importance is None else f" Drifted features carry {data.drifted_importance:.0%} of it."
    console.print(
        f"Window {data.window} of version {data.model_version}: {data.verdict}.{share} {' '.join(data.reasons)}"
    )


def _strength(test: Evidence) -> tuple[bool, float]:
    return not test.drifted, test.p_value
