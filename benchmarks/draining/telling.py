"""What became of the clients while predictors were replaced, as text and as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from statistics import median

from pressure.course import OK, Course
from rich.console import Console

from draining.clients import Calls, Clients
from draining.rolling import Restart

_SHOWN = 10
"""Failures of each kind, at most."""


@dataclass(frozen=True)
class Drained:
    """All that happened."""

    clients: Clients
    restarts: Sequence[Restart]
    envoy: Sequence[str]
    """What Envoy noted of failures."""

    @cached_property
    def course(self) -> Course:
        """Of the HTTP requests."""
        return self.clients.course()

    @property
    def calls(self) -> Calls:
        """Of gRPC."""
        return self.clients.calls

    @property
    def requests_failed(self) -> int:
        """Over HTTP."""
        return len(self.course.status) - self.course.count(OK)

    @property
    def exit_codes(self) -> list[int]:
        """All there were."""
        return sorted({restart.exit_code for restart in self.restarts})

    @property
    def holds(self) -> bool:
        """Whether nothing failed."""
        return not self.requests_failed and not self.calls.failed and self.exit_codes == [0]


def show(drained: Drained) -> None:
    """Print it."""
    console = Console(width=max(110, Console().width))
    for line in _lines(drained):
        console.print(line, highlight=False, markup=False)
    word = "[green]holds[/green]" if drained.holds else "[red]FAILS[/red]"
    console.print(word, "no request failed, and every predictor ended with 0", highlight=False)


def _lines(drained: Drained) -> Iterator[str]:
    ready = median(restart.ready_seconds for restart in drained.restarts)
    drain = median(restart.drain_seconds for restart in drained.restarts)
    course, calls = drained.course, drained.calls
    yield f"{len(drained.restarts)} restarts: ready in {ready:.2f} s, drained in {drain:.2f} s (medians)"
    yield f"{len(course.status):,} HTTP requests, {drained.requests_failed} failed {course.others or ''}".rstrip()
    p50, p99 = course.milliseconds(0.5), course.milliseconds(0.99)
    yield f"  p50 {p50:.1f} ms, p99 {p99:.1f} ms, longest {_longest(course):.0f} ms"
    yield f"{calls.good + calls.failed.total():,} gRPC calls, {calls.failed.total()} failed"
    yield from (f"  {count} × {text}" for text, count in calls.failed.most_common(_SHOWN))
    yield from (f"  Envoy: {line}" for line in drained.envoy[:_SHOWN])
    if drained.exit_codes != [0]:
        yield f"exit codes of predictors: {drained.exit_codes}"


def _longest(course: Course) -> float:
    return course.milliseconds(1.0)


def keep(drained: Drained, path: Path) -> None:
    """Put the figures into a file."""
    course, calls = drained.course, drained.calls
    body = {
        "restarts": [vars(restart) for restart in drained.restarts],
        "requests": len(course.status),
        "requests_failed": drained.requests_failed,
        "p50_ms": course.milliseconds(0.5),
        "p99_ms": course.milliseconds(0.99),
        "longest_ms": _longest(course),
        "calls": calls.good + calls.failed.total(),
        "calls_failed": dict(calls.failed),
        "holds": drained.holds,
    }
    path.write_text(json.dumps(body, indent=1))
