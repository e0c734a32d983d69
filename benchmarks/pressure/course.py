"""What happened second by second, from the outcomes of a generator."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pressure.generator import GAVE_UP, Outcomes

OK, BUSY = 200, 503
_STEP_SECONDS = 0.1
_STEADY_SECONDS = 1.0
_STEADY_SHARE = 0.99
"""Of the requests of so many seconds, which must be well for the server to have recovered."""
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Course:
    """Requests in arrays, an entry each."""

    due: Floats
    took: Floats
    status: npt.NDArray[np.int32]

    @classmethod
    def of(cls, outcomes: Outcomes) -> Course:
        """The outcomes as arrays."""
        return cls(np.array(outcomes.due), np.array(outcomes.took), np.array(outcomes.status, dtype=np.int32))

    def between(self, start: float, end: float) -> Course:
        """The requests that were due then."""
        chosen = (self.due >= start) & (self.due < end)
        return Course(self.due[chosen], self.took[chosen], self.status[chosen])

    def count(self, status: int) -> int:
        """How many ended so."""
        return int((self.status == status).sum())

    @property
    def others(self) -> dict[int, int]:
        """Endings that nothing explains, by status, client.BROKEN among them."""
        found, counts = np.unique(self.status, return_counts=True)
        known = (OK, BUSY, GAVE_UP)
        return {int(one): int(count) for one, count in zip(found, counts, strict=True) if one not in known}

    def milliseconds(self, share: float) -> float:
        """So long took that share of those that were accepted."""
        accepted = self.took[self.status == OK]
        return float(np.quantile(accepted, share) * 1e3) if len(accepted) else float("nan")

    def answered_between(self, start: float, end: float) -> int:
        """Answers of status 200 that came then, whenever they were due."""
        at = self.due + self.took
        return int(((self.status == OK) & (at >= start) & (at < end)).sum())

    def recovered_after(self, start: float, limit_seconds: float) -> float:
        """Seconds from a start until a second began in which all but a few were accepted in time; inf if none did."""
        well = (self.status == OK) & (self.took <= limit_seconds)
        last = float(self.due.max(initial=start))
        for begin in np.arange(start, last - _STEADY_SECONDS + _STEP_SECONDS / 2, _STEP_SECONDS):
            window = well[(self.due >= begin) & (self.due < begin + _STEADY_SECONDS)]
            if len(window) and window.mean() >= _STEADY_SHARE:
                return float(begin - start)
        return float("inf")
