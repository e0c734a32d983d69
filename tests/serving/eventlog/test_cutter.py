"""Windows on a real S3 server, cut by one process after another."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from eventlog_parts import START, WINDOW_ROWS, Place, numbered, payload

from contracts.errors import BusyError
from contracts.events import to_event
from serving.eventlog.cutter import Cutter
from serving.eventlog.entry import read
from serving.eventlog.flush import Flush, Stored


def stored(place: Place, flush: Flush, start: int, rows: int) -> Stored:
    """Rows in the log."""
    (found,) = flush([read(to_event(payload(numbered(start, start + rows)), "/test"))])
    return found


def cutter(place: Place) -> Cutter:
    """A process that knows few rows: two windows."""
    return Cutter(place.log, "1", WINDOW_ROWS, recent_rows=2 * WINDOW_ROWS)


def windowed(place: Place) -> list[str]:
    """The rows of all windows."""
    return [row for window in place.log.windows("1") for row in place.log.read(window.uri)["row_id"].to_pylist()]


@pytest.mark.parametrize("seed", range(3))
def test_each_goes_on_where_the_last_one_stopped(place: Place, seed: int) -> None:
    """However small or large the objects are, and however little is read of the windows that are there."""
    chance = random.Random(seed)
    start = 0
    with ThreadPoolExecutor(2) as writers:
        flush = Flush(place.store, place.settings.data_bucket, writers)
        for _ in range(8):
            mine = cutter(place)
            mine.learn()
            list(mine.restore())
            for rows in chance.sample((1, 7, 49, 50, 51, 130, 230), 3):
                group = stored(place, flush, start, rows)
                start += rows
                if chance.random() < 0.8:  # or the process dies before it has looked at them
                    mine.pending.add(group.name, group.table)
                    windows = mine.cut()
                    for _ in range(chance.choice((0, 1, 9))):  # or before all of them are cut
                        next(windows, None)
                else:
                    break
    last = cutter(place)
    last.learn()
    list(last.restore())
    ids = windowed(place)
    assert len(ids) == len(set(ids)) == start - start % WINDOW_ROWS


def test_a_window_has_one_span_whoever_cuts_it(place: Place) -> None:
    """Amid a replay two rows are of now: all are in the window, and a process that starts derives the same times."""
    strays = (datetime(2026, 11, 21, tzinfo=UTC),) * 2
    seconds = tuple(START + timedelta(seconds=second) for second in range(WINDOW_ROWS - 2))
    rows = payload(numbered(0, WINDOW_ROWS), timestamps=(*strays, *seconds))
    with ThreadPoolExecutor(2) as writers:
        groups = Flush(place.store, place.settings.data_bucket, writers)([read(to_event(rows, "/test"))])
    alive = cutter(place)
    for group in groups:
        alive.pending.add(group.name, group.table)
    cut = alive.pending.cut()  # and it dies before the window is written
    ((window, table),) = list(cutter(place).restore())
    assert cut is not None
    assert (window.start, window.end) == cut.span == (START, seconds[-1] + timedelta(microseconds=1))
    assert place.log.window(window.uri) == window
    assert sorted(table["event_timestamp"].to_pylist()) == [*seconds, *strays]


def test_of_two_that_cut_the_same_window_one_is_refused(place: Place) -> None:
    """It finds the window when it looks again, and cuts the next."""
    with ThreadPoolExecutor(2) as writers:
        group = stored(place, Flush(place.store, place.settings.data_bucket, writers), 0, WINDOW_ROWS + 10)
    one, other = cutter(place), cutter(place)
    for each in (one, other):
        each.pending.add(group.name, group.table)
    assert len(list(one.cut())) == 1
    with pytest.raises(BusyError, match="1-000000"):
        list(other.cut())
    again = cutter(place)
    ((uri, ids),) = again.learn()
    assert (uri, len(ids)) == (place.log.windows("1")[0].uri, WINDOW_ROWS)
    assert (list(again.restore()), again.next_index) == ([], 1)
