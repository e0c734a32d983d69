"""A half-open span of UTC time, [start, end), in whole days."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from contracts.errors import ConfigError


@dataclass(frozen=True, order=True)
class Window:
    """Days from `start` (included) to `end` (excluded), both UTC dates."""

    start: date
    end: date

    def __post_init__(self) -> None:
        if self.end <= self.start:
            raise ConfigError(f"Window {self} is empty: its end must be after its start.")

    @classmethod
    def parse(cls, start: str, end: str) -> Window:
        """A window from two ISO dates; ConfigError names the one that is not a date."""
        return cls(parse_date("start", start), parse_date("end", end))

    def __str__(self) -> str:
        return f"[{self.start}, {self.end})"

    @property
    def start_time(self) -> datetime:
        """Midnight UTC at the start."""
        return datetime.combine(self.start, time(), UTC)

    @property
    def end_time(self) -> datetime:
        """Midnight UTC at the end, which is not part of the window."""
        return datetime.combine(self.end, time(), UTC)

    def days(self) -> Iterator[date]:
        """Each day, in order."""
        for offset in range((self.end - self.start).days):
            yield self.start + timedelta(days=offset)

    def months(self) -> Iterator[Window]:
        """The window cut at the first of each month: the unit of work that bounds memory."""
        start = self.start
        while start < self.end:
            following = (start.replace(day=1) + timedelta(days=32)).replace(day=1)
            yield Window(start, min(following, self.end))
            start = following

    def widened(self, days: int) -> Window:
        """The same window begun `days` earlier."""
        return Window(self.start - timedelta(days=days), self.end)


def parse_date(name: str, text: str) -> date:
    """A UTC date from ISO text."""
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise ConfigError(f"{name} is {text!r}, not a date.", "Write it as 2013-01-31.") from error
