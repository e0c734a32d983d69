"""When a step of a rollout is looked at, and what the looks come to."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from components.analysis import LOOKS, due, look
from components.arms import Check
from components.canary import Canary
from contracts.errors import DataError, IntegrityError, UnavailableError
from contracts.loop import RolloutSpec

MIN_STABLE_SHARE = 0.1
"""The stable version's rows before a step is judged, as a share of the canary's `min_rows`."""
NEEDED = ("errors", "latency", "score_distance")
"""Tests without which nothing passes; the others need features in common, or labels."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Look:
    """One look at one step, with what every test found."""

    percent: int
    verdict: Literal["pass", "fail", "inconclusive"]
    canary_rows: int
    stable_rows: int
    checks: tuple[Check, ...] = ()
    trouble: str = ""
    """Why there was nothing to look at."""

    @property
    def reasons(self) -> tuple[str, ...]:
        """What speaks against it, in sentences; what there was too little of; nothing where all is well."""
        failed = tuple(check.sentence for check in self.checks if check.verdict == "fail")
        if failed or self.verdict == "pass":
            return failed
        rows = f"The canary has {self.canary_rows} rows and the stable version {self.stable_rows}."
        unknown = tuple(check.sentence for check in self.checks if check.verdict == "unknown" and check.name in NEEDED)
        return tuple(filter(None, (rows, self.trouble, *unknown)))

    @property
    def evidence(self) -> dict[str, float | int]:
        """Measure → value."""
        found: dict[str, float | int] = {"canary_rows": self.canary_rows, "stable_rows": self.stable_rows}
        for check in self.checks:
            found |= check.evidence
        return found


@dataclass
class Judge:
    """Looks at one step, from its beginning on."""

    spec: RolloutSpec
    tolerance: float
    """How much lower the canary's ROC AUC may be."""
    percent: int
    since: datetime
    canary: Canary
    on_look: Callable[[Look], None]
    """Told every look at which the tests were made."""
    done: int = field(default=0, init=False)
    """Looks made."""

    def __call__(self) -> Look:
        """Test if a look is due. It is inconclusive until the last one is made."""
        try:
            rows, stable_rows = self.canary.counts(self.since)
            enough = stable_rows >= MIN_STABLE_SHARE * self.spec.min_rows
            now = min(due(rows, self.spec.min_rows), LOOKS if enough else LOOKS - 1)
            if now <= self.done:
                return Look(self.percent, "inconclusive", rows, stable_rows)
            found = self._tested(rows, stable_rows, last=now == LOOKS)
            self.done = now
        except UnavailableError as error:
            _log.warning("the event log cannot be read now: %s", error)
            return Look(self.percent, "inconclusive", 0, 0, trouble=str(error))
        except (DataError, IntegrityError) as error:
            return Look(self.percent, "fail", 0, 0, (Check("readable", "fail", str(error), {}),))
        self.on_look(found)
        return found

    def _tested(self, rows: int, stable_rows: int, last: bool) -> Look:
        canary, stable, shadow = self.canary.compare(self.since)
        checks = look(self.spec, canary, stable, shadow, self.tolerance)
        known = {check.name for check in checks if check.verdict != "unknown"}
        verdict: Literal["pass", "fail", "inconclusive"] = "inconclusive"
        if any(check.verdict == "fail" for check in checks):
            verdict = "fail"
        elif last and known.issuperset(NEEDED):
            verdict = "pass"
        return Look(self.percent, verdict, rows, stable_rows, checks)
