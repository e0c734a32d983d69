"""What clients saw: which rows and labels were accepted, and what was refused while which process was dead."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


@dataclass
class Felt:
    """What clients felt of one kill, until the next."""

    refused: int = 0
    """Attempts that got no answer, or one that asks to try again."""
    requests: int = 0
    """Requests to the predictor that were answered in the end."""
    slowest_seconds: float = 0.0
    """From the first attempt of a request to its answer."""
    events_refused: int = 0
    """Attempts to hand over labels that failed."""
    why: Counter[str] = field(default_factory=Counter)


@dataclass
class Tally:
    """Of a whole run. Written by the thread that sends, read when it has ended."""

    rows: set[str] = field(default_factory=set)
    """Ids of the rows that were answered with 200."""
    attempted: set[str] = field(default_factory=set)
    """Of all rows that were asked about."""
    labels: set[str] = field(default_factory=set)
    """Ids of the rows whose labels the Broker accepted."""
    given_up: list[str] = field(default_factory=list)
    """Requests and events that were refused for good, or for too long; why."""
    felt: dict[str, Felt] = field(default_factory=dict)
    """By what was killed last."""
    now: str = "nothing"

    def begin(self, what: str) -> None:
        """From now on everything that goes wrong is put down to this."""
        self.felt.setdefault(what, Felt())
        self.now = what

    @property
    def current(self) -> Felt:
        """What is being felt."""
        return self.felt.setdefault(self.now, Felt())
