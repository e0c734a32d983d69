"""Shows a long command's steps on stderr: spinners on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress as Spinners
    from rich.progress import TaskID

    from pocket.progress import Progress, Step


@contextmanager
def shown() -> Iterator[Progress]:
    """A place to tell steps to, for as long as the command works."""
    if not sys.stderr.isatty():
        yield plain
        return
    with _spinners() as spinners:
        yield _Board(spinners)


def plain(step: Step) -> None:
    """A line a step: also for commands beside whose programs a spinner would not stand still."""
    print(f"{step.service}: {step.what}", file=sys.stderr, flush=True)


def _spinners() -> Spinners:
    from rich.console import Console
    from rich.progress import Progress as Bars
    from rich.progress import SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (
        SpinnerColumn(finished_text="[green]✓[/green]"),
        TextColumn("[bold]{task.description:<10}[/bold]"),
        TimeElapsedColumn(),
        TextColumn("{task.fields[what]}"),
    )
    return Bars(*columns, console=Console(stderr=True))


class _Board:
    """One spinner a service."""

    def __init__(self, spinners: Spinners) -> None:
        self._spinners = spinners
        self._tasks: dict[str, TaskID] = {}

    def __call__(self, step: Step) -> None:
        if step.service not in self._tasks:
            self._tasks[step.service] = self._spinners.add_task(step.service, total=1, what="")
        self._spinners.update(self._tasks[step.service], what=step.what, completed=int(step.done))
