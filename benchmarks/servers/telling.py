"""The results as a table and as JSON."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from servers import cases
from servers.contenders import PEER_NAMES
from servers.verdict import Claim, Result

WIDTH = 140
"""Columns of text, also where there is no terminal: a wrapped table is hard to read."""
_UNITS = {cases.RPS: "/s", cases.P99: "ms p99", cases.SECONDS: "s", cases.MIB: "MiB"}


def show(results: Sequence[Result], found: Sequence[Claim]) -> None:
    """Print the table, why a peer is missing, and what holds."""
    console = Console(width=max(WIDTH, Console().width))
    console.print(_table(results))
    for result in results:
        for name, reason in result.cannot.items():
            console.print(f"– {result.case.name}: {name} takes no part: {reason}", highlight=False, markup=False)
    for claim in found:
        console.print("[green]holds[/green]" if claim.holds else "[red]FAILS[/red]", claim.text, highlight=False)


def keep(results: Sequence[Result], path: Path) -> None:
    """Put the cases into the file; what other cases it has stays."""
    known: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    at = datetime.now(UTC).isoformat(timespec="seconds")
    machine = {"processors": os.cpu_count(), "load": [round(part, 2) for part in os.getloadavg()]}
    fresh = {result.case.name: {**_told(result), "at": at, "machine": machine} for result in results}
    path.write_text(json.dumps({**known, **fresh}, indent=1))


def _table(results: Sequence[Result]) -> Table:
    title = "The predictor beside other servers: one processor each, medians"
    table = Table(title=title, title_justify="left", box=None, pad_edge=False, header_style="dim")
    table.add_column("case", no_wrap=True)
    for name in ("", "driftloop", *PEER_NAMES, *(f"× {name}" for name in PEER_NAMES), "target", ""):
        table.add_column(name, justify="right")
    for result in results:
        table.add_row(result.case.text, *_row(result))
    return table


def _row(result: Result) -> list[str]:
    case = result.case
    peers = PEER_NAMES if case.yardstick in PEER_NAMES else (case.yardstick, "", "")
    values = [_number(result.values.get(name)) for name in (case.ours, *peers)]
    ratios = [_number(result.ratios[name].value if name in result.ratios else None) for name in peers]
    word = "[green]holds[/green]" if result.holds else "[red]FAILS[/red]"
    return [_UNITS[case.figure], *values, *ratios, str(case.target), word]


def _number(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _told(result: Result) -> dict[str, Any]:
    case = result.case
    named = {f"ratio_{name}": round(ratio.value, 4) for name, ratio in result.ratios.items()}
    body: dict[str, Any] = {**named, case.figure: _rounded(result.values, 4)}
    if result.cpu_us:
        body["cpu_us"] = _rounded(result.cpu_us, 1)
        body["cpu_ratio"] = round(result.cpu_ratio or 0, 4)
        body["generator_share"] = round(result.generator_share, 3)
    yardstick = result.ratios[case.yardstick]
    target = {"yardstick": case.yardstick, "target": str(case.target), "holds": result.holds}
    return {**body, "range": [round(yardstick.least, 4), round(yardstick.most, 4)], **target, "cannot": result.cannot}


def _rounded(values: Mapping[str, float], digits: int) -> dict[str, float]:
    return {name: round(value, digits) for name, value in values.items()}
