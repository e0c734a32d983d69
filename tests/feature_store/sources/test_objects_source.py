"""S3 as a source, on a real server."""

from __future__ import annotations

import gzip
import tempfile
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from contracts.errors import DataError, UnavailableError
from contracts.objects import ObjectStore
from contracts.settings import Settings
from contracts.window import Window
from feature_store.sources.objects import ObjectsSource
from feature_store.sources.source import Table
from tests.contracts.cut_line import cut_line
from tests.feature_store.sources.numbered import NUMBERS, Put, numbers, of

TRIPS = Table("trips", "at", ("at", "n"))
DAY = Window(date(2013, 1, 2), date(2013, 1, 3))


def test_folder_of_many_kinds(put: Put) -> None:
    """All Parquet and CSV objects at any depth of the table's folder are the table; its neighbours are not."""
    source = put(
        {
            "trips/a.parquet": of(1, 2),
            "trips/2013/01/b.csv": b"n\n3\n",
            "trips/2013/c.csv.gz": gzip.compress(b"n\n4\n"),
            "trips/_SUCCESS": b"",
            "trips/notes.txt": b"n",
            "trips/_temporary/half.parquet": b"half",
            "trips/.hidden.csv": b"half",
            "trips2/d.parquet": of(5),
            "trips.old.parquet": of(6),
        }
    )

    assert numbers(source) == [1, 2, 3, 4]


def test_table_stored_twice(put: Put) -> None:
    """Where two objects claim to be the table, neither is guessed."""
    source = put({"trips.parquet": of(1), "trips.csv": b"n\n1\n", "trips/a.parquet": of(1)})

    with pytest.raises(
        DataError, match=r"'trips' is stored more than once: .*trips\.csv.*trips\.parquet.*trips/a\.parquet"
    ):
        numbers(source)


def test_partitions_are_columns(put: Put) -> None:
    """Folders named key=value give columns of text, unless the file has a column of that name."""
    source = put(
        {
            "trips/city=New%20York/n=7/a.parquet": of(1),
            "trips/city=__HIVE_DEFAULT_PARTITION__/n=7/a.parquet": of(2),
        }
    )

    rows = [row for batch in source.read(Table("trips", None, ("n", "city")), None) for row in batch.to_pylist()]

    assert sorted(rows, key=str) == [{"n": 1, "city": "New York"}, {"n": 2, "city": None}]


def test_partition_as_time_column(put: Put) -> None:
    """A partition may be the time column itself."""
    source = put({f"trips/date=2013-01-0{day}/a.parquet": of(day) for day in (1, 2, 3)})
    table = Table("trips", "date", ("date", "n"))

    assert [row for batch in source.read(table, DAY) for row in batch.to_pylist()] == [{"date": DAY.start_time, "n": 2}]


def test_other_days_are_not_fetched(put: Put) -> None:
    """An object in a folder of another day is not even opened; a folder that is not of a day is."""
    body = b"at,n\n2013-01-02,1\n"
    source = put(
        {
            "trips/date=2013-01-01/a.parquet": b"never read",
            "trips/date=2013-01-02/a.csv": body,
            "trips/date=2013-01-03/a.parquet": b"never read",
            "trips/date=unknown/a.csv": body,
        }
    )

    assert numbers(source, TRIPS, DAY) == [1, 1]
    with pytest.raises(DataError, match=r"date=2013-01-01/a\.parquet is damaged"):
        numbers(source, TRIPS, Window(date(2013, 1, 1), date(2013, 1, 2)))


def test_one_object_on_disk(put: Put, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """At most one object is on the local disk at a time, and none is left behind, also when a reader stops early."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    source = put({f"trips/{n}.parquet": of(n) for n in range(3)})

    held = [len([path for path in tmp_path.rglob("*") if path.is_file()]) for _ in source.read(NUMBERS, None)]
    unfinished = source.read(NUMBERS, None)
    next(unfinished)
    unfinished.close()  # type: ignore[attr-defined]

    assert held == [1, 1, 1]
    assert list(tmp_path.iterdir()) == []


def test_server_lost_midway(s3_settings: Settings, put: Put) -> None:
    """A server that is lost between two objects is UnavailableError: never a short table."""
    source = put({"trips/1.parquet": of(1), "trips/2.csv": b"n\n" + b"22222222\n" * 500_000})
    host, _, port = s3_settings.s3_host.partition(":")

    with cut_line(host, int(port), allowance=2_000_000) as line:
        broken = ObjectStore(replace(s3_settings, s3_endpoint=f"http://127.0.0.1:{line}"))
        batches = ObjectsSource(broken, source._prefix).read(NUMBERS, None)
        assert next(batches).to_pydict() == {"n": [1]}
        with pytest.raises(UnavailableError, match=r"trips/2\.csv"):
            list(batches)
