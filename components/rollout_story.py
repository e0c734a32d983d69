"""What happened to a version on its way into service: every decision with what it rests on."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from components.judge import Look
from contracts.events import Rollout as RolloutEvent

Verdict = Literal["pass", "fail", "inconclusive", "promoted", "rolled_back"]
MAX_REASON = 1000
"""Characters of one reason."""


@dataclass(frozen=True)
class Decision:
    """One verdict about the version."""

    percent: int
    """Its share of the traffic when it was judged."""
    verdict: Verdict
    reasons: tuple[str, ...]
    evidence: dict[str, float | int]
    at: datetime


@dataclass
class Story:
    """One version's, in order."""

    loop: str
    version: str
    stable: str | None = None
    """Version that had the rest of the traffic; None: there was none."""
    decisions: list[Decision] = field(default_factory=list)
    looks: list[Look] = field(default_factory=list)
    """Those at which the tests were made."""

    @property
    def last(self) -> Decision:
        """How it ended, or how far it is."""
        return self.decisions[-1]

    def event(self, decision: Decision) -> RolloutEvent:
        """A decision for the other services."""
        return RolloutEvent(
            loop=self.loop,
            version=self.version,
            step_percent=decision.percent,
            verdict=decision.verdict,
            decided_at=decision.at,
            reasons=decision.reasons,
            evidence={**({"stable_version": self.stable} if self.stable else {}), **decision.evidence},
        )

    def metrics(self) -> dict[str, float]:
        """For the run's page: how it ended, and the measures of the last look."""
        last = self.looks[-1].evidence if self.looks else {}
        return {"promoted": float(self.last.verdict == "promoted"), "step_percent": float(self.last.percent), **last}
