"""How much data a case has."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from contracts.window import Window


@dataclass(frozen=True)
class Size:
    """A window of flights, and how many years are stored where it is read."""

    name: str
    years: int
    end: date
    repeats: int
    """How often it is measured; the middle of the figures counts."""

    @property
    def window(self) -> Window:
        """The training window."""
        return Window(date(2013, 1, 1), self.end)


SIZES = (
    Size("two-months", 1, date(2013, 3, 1), repeats=3),
    Size("year", 1, date(2014, 1, 1), repeats=3),
    Size("ten-years", 10, date(2023, 1, 1), repeats=1),
)
