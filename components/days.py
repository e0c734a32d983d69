"""days: on which days a run that is started by the clock trains, and on which it is judged."""

from __future__ import annotations

from datetime import UTC, datetime

from contracts.days import Days
from contracts.errors import DataError
from contracts.loop import LoopSpec
from contracts.window import Window, parse_date


def run(spec: LoopSpec, today: str) -> tuple[Days, str]:
    """The step: the days by the loop's own rules, and the time at which they were chosen.

    `today` is a UTC date; empty: the clock. DataError if nothing can be trained on them.
    """
    now = Window(parse_date("today", today), parse_date("today", "9999-12-31")).start_time if today else _now()
    days = Days.of(spec, now)
    if why_not := days.hindrance(spec):
        raise DataError(why_not, "Set retrain.training_days or history_start, or wait until there are more days.")
    return days, now.isoformat()


def _now() -> datetime:
    return datetime.now(UTC)
