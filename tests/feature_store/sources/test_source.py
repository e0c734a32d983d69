"""What every source promises, asked of every kind of source."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pyarrow as pa
import pytest

from contracts.errors import DataError
from contracts.window import Window
from feature_store.sources.source import BATCH_ROWS, Source, Table
from tests.feature_store.sources.kept import ROW_GROUP_ROWS, Keep

UTC_TIME = pa.timestamp("us", tz="UTC")
WINDOW = Window(date(2013, 1, 2), date(2013, 1, 4))
TICK = timedelta(microseconds=1)
TIMES = [WINDOW.start_time - TICK, WINDOW.start_time, WINDOW.end_time - TICK, WINDOW.end_time, None]
ROWS = pa.table(
    {
        "at": pa.array(TIMES, UTC_TIME),
        "number": pa.array([1, 2, 3, 4, 5]),
        "share": pa.array([0.1, None, -1e300, 3.0, float("inf")]),
        "name": pa.array(["plain", "naïve, 東京 🛫", 'a "quoted"\nline', "", None]),
        "late": pa.array([True, False, None, True, False]),
    }
)
TRIPS = Table("trips", "at", ("at", "number", "share", "name", "late"))


def read(source: Source, table: Table, window: Window | None = None) -> pa.Table:
    """Everything a source yields, by the column `number`."""
    batches = list(source.read(table, window))
    return pa.Table.from_batches(batches).sort_by("number") if batches else pa.table({"number": []})


def test_what_goes_in_comes_out(keep: Keep) -> None:
    """Without a window every row comes, with its NULLs, its unicode and the source's own types."""
    found = read(keep("trips", ROWS), TRIPS)

    assert found.schema.equals(ROWS.schema)
    assert found.to_pylist() == ROWS.to_pylist()


def test_window_is_half_open(keep: Keep) -> None:
    """The start belongs to the window and the end does not, to the microsecond; no time is in no window."""
    found = read(keep("trips", ROWS), TRIPS, WINDOW)

    assert found.column("number").to_pylist() == [2, 3]


def test_window_with_nothing_in_it(keep: Keep) -> None:
    """A window without rows yields no batch."""
    source = keep("trips", ROWS)

    assert list(source.read(TRIPS, Window(date(2014, 1, 1), date(2014, 1, 2)))) == []


def test_columns_are_those_asked_for(keep: Keep) -> None:
    """Columns come in the table's order, whatever the source's order, and others stay behind."""
    found = read(keep("trips", ROWS), Table("trips", "at", ("late", "number", "at")), WINDOW)

    assert found.column_names == ["late", "number", "at"]
    assert found.to_pylist() == [
        {"late": False, "number": 2, "at": WINDOW.start_time},
        {"late": None, "number": 3, "at": WINDOW.end_time - TICK},
    ]


def test_table_without_time_is_read_whole(keep: Keep) -> None:
    """A table that has no time column comes whole, also when a window is asked for."""
    planes = pa.table({"number": [1, 2], "name": ["a", "b"]})

    found = read(keep("planes", planes), Table("planes", None, ("name", "number")), WINDOW)

    assert found.to_pylist() == [{"name": "a", "number": 1}, {"name": "b", "number": 2}]


def test_batches_are_bounded(keep: Keep) -> None:
    """A table of several row groups comes in batches of at most BATCH_ROWS, each row once."""
    count = 2 * BATCH_ROWS + 5
    assert count > 3 * ROW_GROUP_ROWS
    start = datetime(2013, 1, 1, tzinfo=UTC)
    times = [start + timedelta(seconds=second) for second in range(count)]
    rows = pa.table({"at": pa.array(times, UTC_TIME), "number": pa.array(range(count))})
    window = Window(date(2013, 1, 1), date(2013, 1, 3))

    batches = list(keep("trips", rows).read(Table("trips", "at", ("number", "at")), window))

    assert max(len(batch) for batch in batches) <= BATCH_ROWS
    numbers = sorted(number for batch in batches for number in batch.column("number").to_pylist())
    assert numbers == [number for number in range(count) if times[number] < window.end_time]


def test_a_read_is_lazy(keep: Keep) -> None:
    """A reader may stop after the first batch, and read again from the start."""
    rows = pa.table({"number": pa.array(range(BATCH_ROWS + 1))})
    source, table = keep("trips", rows), Table("trips", None, ("number",))

    assert len(next(iter(source.read(table, None)))) <= BATCH_ROWS
    assert len(read(source, table)) == BATCH_ROWS + 1


def test_text_among_numbers_passes(keep: Keep) -> None:
    """Text in a column that should hold numbers is left for validation to judge, as it was written."""
    rows = pa.table({"number": [1, 2, 3], "share": ["1", "2.50", "many"]})

    found = read(keep("trips", rows), Table("trips", None, ("number", "share")))

    assert found.column("share").to_pylist() == ["1", "2.50", "many"]


def test_missing_column(keep: Keep) -> None:
    """A column the source lacks is named, with the table, the source and what was found."""
    source = keep("trips", ROWS)

    with pytest.raises(DataError) as caught:
        list(source.read(Table("trips", "at", ("at", "colour")), WINDOW))

    message = str(caught.value)
    assert message.startswith("Column 'colour' is missing from table 'trips' in ")
    assert "found ['at', 'number', 'share', 'name', 'late'" in message


def test_missing_table(keep: Keep) -> None:
    """A table the source lacks is named."""
    source = keep("trips", ROWS)

    with pytest.raises(DataError, match="able 'flights'"):
        list(source.read(Table("flights", "at", ("at",)), WINDOW))
