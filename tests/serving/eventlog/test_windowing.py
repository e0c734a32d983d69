"""Windows of rows that come in any order and any number of times. Plain tables."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.eventlog import EVENT_TIME, ROW_COLUMNS, ROW_ID
from serving.eventlog.pending import Cut, Pending

SIZE = 7
START = datetime(2013, 3, 1, tzinfo=UTC)
Batch = list[tuple[int, bool]]
"""Numbers of rows, and whether they got an error."""


def table(batch: Batch) -> pa.Table:
    """Rows whose event time falls while their number rises."""
    rows = [
        {ROW_ID: f"{number:03d}", EVENT_TIME: 1_000_000 - number, "error": "no" if failed else None}
        for number, failed in batch
    ]
    return pa.Table.from_pylist(rows, schema=ROW_COLUMNS)


def cuts(batches: list[Batch], pending: Pending) -> list[Cut]:
    """All windows."""
    found = []
    for place, batch in enumerate(batches):
        pending.add(f"{place:03d}", table(batch))
        while cut := pending.cut():
            found.append(cut)
    return found


batches = st.lists(st.lists(st.tuples(st.integers(0, 60), st.booleans()), max_size=30), max_size=20)


@settings(deadline=None)
@given(batches)
def test_every_row_is_in_one_window_at_most(given_batches: list[Batch]) -> None:
    """In the order of their first coming, without errors; what is left is too little for a window."""
    ids = [ids for cut in cuts(given_batches, Pending(SIZE)) for ids in [set(cut.rows[ROW_ID].to_pylist())]]
    good = list(dict.fromkeys(f"{number:03d}" for batch in given_batches for number, failed in batch if not failed))

    assert ids == [set(good[start : start + SIZE]) for start in range(0, len(good) - SIZE + 1, SIZE)]


@settings(deadline=None)
@given(batches)
def test_rows_of_a_window_are_sorted(given_batches: list[Batch]) -> None:
    """By event time, and its span holds all of them."""
    for cut in cuts(given_batches, Pending(SIZE)):
        times = cut.rows[EVENT_TIME].to_pylist()
        start, end = cut.span
        assert times == sorted(times)
        assert start == times[0]
        assert times[-1] < end


@settings(deadline=None)
@given(batches, st.integers(0, 20))
def test_reading_on_from_the_cursor_gives_the_same_windows(given_batches: list[Batch], stop: int) -> None:
    """A process that starts after any batch knows the windows and reads the objects from the last one's cursor on."""
    whole = cuts(given_batches, Pending(SIZE))
    before = cuts(given_batches[:stop], Pending(SIZE))
    after = Pending(SIZE)
    for cut in before:
        after.windowed(cut.rows[ROW_ID].to_pylist())
    cursor = int(before[-1].cursor) if before else 0
    again = [[] if place < cursor else batch for place, batch in enumerate(given_batches)]

    assert [cut.rows for cut in before + cuts(again, after)] == [cut.rows for cut in whole]


@settings(deadline=None)
@given(batches)
def test_the_newest_object_bounds_what_windows_hold(given_batches: list[Batch]) -> None:
    """No window holds a row that first came in a later object than its `newest`."""
    first: dict[str, int] = {}
    for place, batch in enumerate(given_batches):
        for number, failed in batch:
            if not failed:
                first.setdefault(f"{number:03d}", place)
    for cut in cuts(given_batches, Pending(SIZE)):
        assert max(first[row_id] for row_id in cut.rows[ROW_ID].to_pylist()) == int(cut.newest)
        assert cut.cursor >= cut.newest


def span(times: Sequence[datetime]) -> tuple[datetime, datetime]:
    """Of one window whose rows have these times."""
    pending = Pending(len(times))
    rows = [{ROW_ID: f"{place:04d}", EVENT_TIME: time} for place, time in enumerate(times)]
    pending.add("000", pa.Table.from_pylist(rows, schema=ROW_COLUMNS))
    cut = pending.cut()
    assert cut is not None
    assert sorted(cut.rows[EVENT_TIME].to_pylist()) == sorted(times)
    return cut.span


def hourly(rows: int) -> list[datetime]:
    """From the start on."""
    return [START + timedelta(hours=hour) for hour in range(rows)]


@pytest.mark.parametrize("size", [50, 1000])
@pytest.mark.parametrize("year", [1900, 2026])
def test_a_few_rows_of_another_age_do_not_move_the_span(size: int, year: int) -> None:
    """One in twenty, though they are rows of the window as any other."""
    strays = [datetime(year, 11, 21, 14, minute, tzinfo=UTC) for minute in range(size // 20)]
    times = hourly(size - len(strays))
    assert span([*times, *strays]) == (START, times[-1] + timedelta(microseconds=1))


def test_many_rows_of_another_age_are_the_span() -> None:
    """More than one in twenty are no mistake of a few."""
    late = datetime(2026, 11, 21, tzinfo=UTC)
    assert span([*hourly(47), *[late] * 3]) == (START, late + timedelta(microseconds=1))


def test_a_pause_in_the_traffic_is_within_the_span() -> None:
    """Rows on both sides of it are near each other."""
    times = [*hourly(98), START + timedelta(days=6), START + timedelta(days=7)]
    assert span(times) == (START, times[-1] + timedelta(microseconds=1))
