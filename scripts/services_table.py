"""The table of servers."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path

from rich.console import Console
from rich.table import Table

from pocket.status import Status

_COLUMNS = ("service", "state", "address", "pid", "memory", "uptime", "log")


def show(found: Iterable[Status]) -> None:
    """Print one line a server, whole: addresses and paths are there to be copied."""
    table = Table(*_COLUMNS, box=None, pad_edge=False, header_style="dim")
    for column in table.columns:
        column.no_wrap = True
    for one in found:
        table.add_row(*_row(one))
    needed = Console(width=1000).measure(table).maximum
    Console(width=max(needed, Console().width)).print(table)


def _row(one: Status) -> tuple[str, ...]:
    colour = "green" if one.is_fine else "red"
    return (
        one.service,
        f"[{colour}]{one.state}[/{colour}]",
        one.address or "",
        str(one.pid or ""),
        "" if one.memory_bytes is None else f"{one.memory_bytes / 2**20:.0f} MiB",
        "" if one.uptime_seconds is None else str(timedelta(seconds=round(one.uptime_seconds))),
        _shortest(one.log) if one.log else "",
    )


def _shortest(path: str) -> str:
    """A path as seen from the current folder, if it lies below."""
    here = Path.cwd()
    return str(Path(path).relative_to(here)) if Path(path).is_relative_to(here) else path
