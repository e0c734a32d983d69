"""What an overloaded server must still do."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from pressure.client import BROKEN
from pressure.course import BUSY, OK, Course
from pressure.generator import GAVE_UP
from pressure.overload import Played

LEAST_GOODPUT = 0.8
MOST_P99_MS = 1000.0
"""Of accepted requests, from when they were due."""
MOST_RECOVERY_SECONDS = 2.0
MOST_PROBE_SECONDS = 1.0
"""Kubernetes' own default; a predictor that misses it three times is taken out."""
_CALM_MS = 50.0
"""A request of a calm server takes no longer, nor five times its usual p99 where that is more."""


@dataclass(frozen=True)
class Claim:
    """A sentence, and whether the figures bear it out."""

    text: str
    holds: bool


@dataclass(frozen=True)
class Figures:
    """Of one play."""

    played: Played

    @cached_property
    def offered(self) -> float:
        """Requests a second under overload."""
        return len(self._overload.due) / self.played.size.seconds

    @cached_property
    def goodput(self) -> float:
        """Accepted answers a second under overload."""
        played = self.played
        return played.course.answered_between(played.begin, played.end) / played.size.seconds

    @property
    def goodput_share(self) -> float:
        """Of capacity."""
        return self.goodput / self.played.capacity

    @cached_property
    def p50_ms(self) -> float:
        """Of accepted requests under overload."""
        return self._overload.milliseconds(0.5)

    @cached_property
    def p99_ms(self) -> float:
        """Of accepted requests under overload."""
        return self._overload.milliseconds(0.99)

    @cached_property
    def calm_p99_ms(self) -> float:
        """At half of capacity, before."""
        return self.played.course.between(0, self.played.begin).milliseconds(0.99)

    @cached_property
    def shares(self) -> dict[str, float]:
        """How requests ended under overload."""
        counts = {"200": OK, "503": BUSY, "gave up": GAVE_UP, "broken": BROKEN}
        return {name: self._overload.count(status) / len(self._overload.due) for name, status in counts.items()}

    @cached_property
    def recovery_seconds(self) -> float:
        """From the end of the overload until all is well again."""
        limit = max(_CALM_MS, 5 * self.calm_p99_ms) / 1e3
        return self.played.course.recovered_after(self.played.end, limit)

    @cached_property
    def slowest_probe_seconds(self) -> float:
        """Of the readiness probes under overload."""
        return max(self.played.probe_seconds, default=float("inf"))

    @cached_property
    def _overload(self) -> Course:
        return self.played.course.between(self.played.begin, self.played.end)


def claims(figures: Figures) -> list[Claim]:
    """What must hold."""
    others = figures.played.course.others
    return [
        Claim(
            f"goodput is {figures.goodput_share:.0%} of capacity, at least {LEAST_GOODPUT:.0%}",
            figures.goodput_share >= LEAST_GOODPUT,
        ),
        Claim(
            f"p99 of accepted requests is {figures.p99_ms:.0f} ms, at most {MOST_P99_MS:.0f}",
            figures.p99_ms <= MOST_P99_MS,
        ),
        Claim(
            f"recovered after {figures.recovery_seconds:.1f} s, at most {MOST_RECOVERY_SECONDS:.0f}",
            figures.recovery_seconds <= MOST_RECOVERY_SECONDS,
        ),
        Claim(
            f"the slowest readiness probe took {figures.slowest_probe_seconds:.2f} s, at most {MOST_PROBE_SECONDS:.0f}",
            figures.slowest_probe_seconds <= MOST_PROBE_SECONDS,
        ),
        Claim(f"no connection was broken, and nothing answered but 200 and 503: {others or 'none'}", not others),
    ]
