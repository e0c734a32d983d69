"""The figures as tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.table import Table

from scaling.case import Case
from scaling.process import Cost
from scaling.step import PLAIN_LIMIT_BYTES
from scaling.verdict import Claim

WIDTH = 110
"""Columns of text, also where there is no terminal: a wrapped table is hard to read."""


def show(cases: Sequence[Case], claims: Sequence[Claim]) -> None:
    """Print what each step costs, how the whole compares with the plain way, and what holds."""
    console = Console(width=max(WIDTH, Console().width))
    console.print(_steps(cases))
    console.print(_beside(cases))
    for claim in claims:
        console.print("[green]holds[/green]" if claim.holds else "[red]FAILS[/red]", claim.text, highlight=False)


def _steps(cases: Sequence[Case]) -> Table:
    table = _table("The pipeline's steps, each a process of its own", "size", "step")
    for name in ("rows", "seconds", "processor seconds", "µs a row", "peak MiB"):
        table.add_column(name, justify="right")
    for case in cases:
        for step, cost in [*case.steps.items(), ("all four", case.whole)]:
            table.add_row(case.size, step, f"{case.rows:,}", *_figures(cost, case.rows))
    return table


def _figures(cost: Cost, rows: int) -> tuple[str, ...]:
    return (
        f"{cost.seconds:.1f}",
        f"{cost.processor_seconds:.1f}",
        f"{cost.processor_seconds / rows * 1e6:.1f}",
        f"{cost.peak_bytes / 2**20:,.0f}",
    )


def _beside(cases: Sequence[Case]) -> Table:
    table = _table("All four beside plain pandas in one process", "size")
    for name in ("seconds", "processor seconds", "peak MiB"):
        for column in (name, "pandas", "ratio"):
            table.add_column(column, justify="right")
    for case in cases:
        table.add_row(case.size, *_compared(case.whole, case.plain))
    return table


def _compared(ours: Cost, plain: Cost | None) -> Iterator[str]:
    for name, unit, form in (("seconds", 1, ".1f"), ("processor_seconds", 1, ".1f"), ("peak_bytes", 2**20, ",.0f")):
        mine = getattr(ours, name)
        theirs = getattr(plain, name) if plain else None
        yield format(mine / unit, form)
        yield format(theirs / unit, form) if theirs else f"over {PLAIN_LIMIT_BYTES // 2**30} GiB"
        yield f"{mine / theirs:.2f}" if theirs else ""


def _table(title: str, *columns: str) -> Table:
    return Table(*columns, title=title, title_justify="left", box=None, pad_edge=False, header_style="dim")
