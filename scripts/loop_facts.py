"""What there is to say of a loop at one moment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Champion:
    """The version that serves by decision."""

    version: str
    promoted_at: datetime | None
    """None if the event log does not tell."""


@dataclass(frozen=True)
class Canary:
    """A version with a part of the traffic."""

    version: str
    percent: int


@dataclass(frozen=True)
class LastWindow:
    """The window that was judged last."""

    window: str
    start: datetime
    end: datetime
    rows: int
    verdict: str


@dataclass(frozen=True)
class LastDecision:
    """What was decided last, and why."""

    kind: str
    """drift, retrain or rollout."""
    verdict: str
    why: str
    at: datetime


@dataclass(frozen=True)
class RunUnderWay:
    """A training run that has not ended."""

    name: str
    stage: str


@dataclass(frozen=True)
class LoopStatus:
    """One loop at one moment. A fact that is None is not there, or stands in `unknown`."""

    loop: str
    champion: Champion | None
    canary: Canary | None
    last_window: LastWindow | None
    last_decision: LastDecision | None
    run: RunUnderWay | None
    unknown: Mapping[str, str]
    """Fact → why it is not known."""
