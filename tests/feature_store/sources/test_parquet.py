"""Which row groups of a Parquet file are read."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from contracts.window import Window
from feature_store.sources.parquet import ParquetFile
from feature_store.sources.source import Table

TRIPS = Table("trips", "at", ("at", "number"))
MIDNIGHT = Window(date(2013, 1, 2), date(2013, 1, 3)).start_time
TICK = timedelta(microseconds=1)
GROUPS: list[list[datetime | None]] = [
    [MIDNIGHT - timedelta(days=1), MIDNIGHT - TICK],  # before 2 January
    [MIDNIGHT - TICK, MIDNIGHT],
    [MIDNIGHT + timedelta(days=1) - TICK, None],
    [MIDNIGHT + timedelta(days=1), MIDNIGHT + timedelta(days=2)],  # after it
]


def groups_read(path: Path, times: pa.Array) -> set[int]:
    """Numbers of the row groups, two rows each, that a read of 2 January touches."""
    numbers = [place // 2 for place in range(len(times))]
    pq.write_table(pa.table({"number": numbers, "at": times}), path, row_group_size=2)
    file = ParquetFile(path)
    batches = file.batches(TRIPS, Window(date(2013, 1, 2), date(2013, 1, 3)))
    read = {number for batch in batches for number in batch.column("number").to_pylist()}
    file.close()
    return read


@pytest.mark.parametrize("zone", [None, "UTC", "America/New_York"])
@pytest.mark.parametrize("unit", ["us", "ns"])
def test_groups_outside_the_window_are_skipped(tmp_path: Path, unit: str, zone: str | None) -> None:
    """Statistics of the time column spare every row group that lies wholly outside the window."""
    times = pa.array([time for group in GROUPS for time in group], pa.timestamp("us", "UTC"))

    assert groups_read(tmp_path / "trips.parquet", times.cast(pa.timestamp(unit, zone))) == {1, 2}


def test_groups_of_dates(tmp_path: Path) -> None:
    """A time column of dates has statistics too."""
    days = [date(2013, 1, 1), date(2013, 1, 1), date(2013, 1, 1), date(2013, 1, 2), date(2013, 1, 3), date(2013, 1, 4)]

    assert groups_read(tmp_path / "trips.parquet", pa.array(days)) == {1}


def test_groups_of_text_are_all_read(tmp_path: Path) -> None:
    """The order of text is not the order of time where zones differ, so statistics of text spare nothing."""
    texts = ["2013-01-03T01:00:00+05:00", "2013-01-03T02:00:00+05:00"]

    assert groups_read(tmp_path / "trips.parquet", pa.array(texts)) == {0}


@pytest.mark.parametrize("year_10000", [253402300800 * 10**6, 2**62])
def test_groups_beyond_pythons_calendar(tmp_path: Path, year_10000: int) -> None:
    """A time that Python has no date for is no obstacle."""
    times = [year_10000, year_10000, GROUPS[1][1], year_10000]

    assert 1 in groups_read(tmp_path / "trips.parquet", pa.array(times, pa.timestamp("us", "UTC")))


def test_groups_without_any_time(tmp_path: Path) -> None:
    """A row group whose times are all missing has no statistics and is read."""
    assert groups_read(tmp_path / "trips.parquet", pa.nulls(2, pa.timestamp("us"))) == {0}
