"""Windows of whole days."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.errors import ConfigError
from contracts.window import Window, parse_date

DAYS = st.dates(date(1950, 1, 1), date(2100, 1, 1))


@st.composite
def windows(draw: st.DrawFn) -> Window:
    """Windows of up to two years."""
    start = draw(DAYS)
    return Window(start, start + timedelta(days=draw(st.integers(1, 730))))


@pytest.mark.parametrize("end", [date(2013, 1, 1), date(2012, 12, 31)])
def test_empty_window(end: date) -> None:
    """A window must end after it starts."""
    with pytest.raises(ConfigError, match=r"Window \[2013-01-01, 201.-..-..\) is empty: its end must be after"):
        Window(date(2013, 1, 1), end)


def test_times_are_midnights() -> None:
    """A window begins and ends at midnight UTC."""
    window = Window.parse("2013-01-01", "2013-03-01")

    assert (window.start_time, window.end_time) == (datetime(2013, 1, 1, tzinfo=UTC), datetime(2013, 3, 1, tzinfo=UTC))
    assert str(window) == "[2013-01-01, 2013-03-01)"


@pytest.mark.parametrize("text", ["", "2013-02-30", "yesterday", "2013-01-01T00:00"])
def test_what_is_not_a_date(text: str) -> None:
    """The argument that is not a date is named with its value."""
    with pytest.raises(ConfigError) as caught:
        Window.parse("2013-01-01", text)

    assert str(caught.value) == f"end is {text!r}, not a date. Write it as 2013-01-31."
    with pytest.raises(ConfigError, match=r"^start is"):
        parse_date("start", text)


@given(windows())
def test_days_fill_the_window(window: Window) -> None:
    """Days run from the start to the day before the end, without a gap."""
    days = list(window.days())

    assert days[0] == window.start
    assert days[-1] == window.end - timedelta(days=1)
    assert len(set(days)) == (window.end - window.start).days


@given(windows())
def test_months_cut_the_window(window: Window) -> None:
    """Months follow each other without gap or overlap, each within one calendar month."""
    months = list(window.months())

    assert [day for month in months for day in month.days()] == list(window.days())
    assert all(len({(day.year, day.month) for day in month.days()}) == 1 for month in months)
    assert all(later.start.day == 1 for later in months[1:])


def test_widened_reaches_back() -> None:
    """Only the start moves."""
    assert Window.parse("2013-01-02", "2013-01-03").widened(3) == Window.parse("2012-12-30", "2013-01-03")
