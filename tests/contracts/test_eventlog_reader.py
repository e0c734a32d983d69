"""The reader of the event log, over objects on a real S3 server."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest

from contracts import objects, parquet
from contracts.errors import DataError, IntegrityError
from contracts.eventlog import (
    LABEL_COLUMNS,
    ROW_COLUMNS,
    EventLog,
    StoredWindow,
    clock_name,
    clock_of,
    labelled_uri,
    told_uri,
    window_name,
)
from contracts.objects import ObjectStore

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.fixture
def log(store: ObjectStore, place: str) -> EventLog:
    """A log of the test's own."""
    bucket, _, loop = place.removeprefix("s3://").partition("/contracts/")
    return EventLog(store, bucket, loop)


def put_rows(log: EventLog, minute: int, ids: Sequence[str], day: str = "2013-03-01", **features: Any) -> None:
    """An object of rows, stored at a minute."""
    rows = [{"row_id": row_id, "score": minute / 100} for row_id in ids]
    table = pa.Table.from_pylist(rows, schema=ROW_COLUMNS)
    for name, values in features.items():
        table = table.append_column(name, pa.array(values))
    name = f"{clock_name(NOW + timedelta(minutes=minute))}-{minute:08x}.parquet"
    log.store.put(f"{log.rows_prefix('1')}date={day}/{name}", parquet.to_bytes(table))


def test_rows_are_given_once_in_the_order_of_their_storing(log: EventLog) -> None:
    """Whatever their event dates; the first of a row that was stored twice."""
    put_rows(log, 2, ["b", "c"], "2013-03-01", distance=[1, 2])
    put_rows(log, 1, ["a", "b"], "2013-03-02", distance=[1.5, None], carrier=["UA", "AA"])

    rows = log.rows("1").to_pydict()
    assert (rows["row_id"], rows["score"]) == (["a", "b", "c"], [0.01, 0.01, 0.02])
    assert (rows["distance"], rows["carrier"]) == ([1.5, None, 2.0], ["UA", "AA", None])
    assert log.versions() == ["1"]


def test_columns(log: EventLog) -> None:
    """Those asked for, as far as any object has them; rows are still given once."""
    put_rows(log, 1, ["a", "a"], distance=[1, 1])
    assert log.rows("1", columns=["distance", "absent"]).to_pydict() == {"distance": [1]}
    assert log.rows("1", columns=["score", "row_id"]).schema.names == ["score", "row_id"]


def test_nothing_stored(log: EventLog) -> None:
    """Tables without rows, with the columns every row has."""
    assert log.rows("1").schema == ROW_COLUMNS
    assert log.labels().schema == LABEL_COLUMNS
    assert log.windows("1") == []
    assert log.versions() == []


def test_since_asks_for_what_was_stored_later(log: EventLog, monkeypatch: pytest.MonkeyPatch) -> None:
    """In every folder, however a listing falls into pages."""
    for page in (1, 2, 3, 1000):
        monkeypatch.setattr(objects, "PAGE", page)
        monkeypatch.setattr("contracts.eventlog.PAGE", page)
        for minute in range(8):
            put_rows(log, minute, [str(minute)], f"2013-03-0{1 + minute % 3}")
        for since in range(9):
            found = log.rows("1", NOW + timedelta(minutes=since))["row_id"].to_pylist()
            assert found == [str(minute) for minute in range(since, 8)], (page, since)


def test_the_label_known_last_counts(log: EventLog) -> None:
    """Of those known at the same time, the one stored last."""
    stored = [("a", "on", 1), ("a", "late", 3), ("a", "never", 2), ("b", "on", 1), ("b", "late", 1)]
    for place, (row_id, label, hour) in enumerate(stored):
        row = {"row_id": row_id, "label": label, "event_time": NOW + timedelta(hours=hour)}
        name = f"{clock_name(NOW + timedelta(minutes=place))}-0.parquet"
        body = parquet.to_bytes(pa.Table.from_pylist([row], schema=LABEL_COLUMNS))
        log.store.put(f"{log.labels_prefix}date=2013-03-01/{name}", body)

    found = log.labels().to_pydict()
    assert dict(zip(found["row_id"], found["label"], strict=True)) == {"a": "late", "b": "late"}


def test_windows_in_their_order(log: EventLog) -> None:
    """With their labels where these have come."""
    windows = []
    for index in range(3):
        name = window_name("a/b", index)
        uri = f"{log.windows_prefix('a/b')}{name}.parquet"
        windows.append(StoredWindow(name, "a/b", uri, NOW, NOW + timedelta(hours=1), 50))
        assert log.store.create(uri, b"", windows[-1].metadata())
    best = labelled_uri(windows[1].uri)
    log.store.create(best, b"", {**windows[1].metadata(), "labelled": "40"})
    windows[1] = StoredWindow(windows[1].name, "a/b", best, NOW, NOW + timedelta(hours=1), 50, 40)

    assert log.windows("a/b") == windows
    with pytest.raises(DataError, match="no window"):
        log.window(f"{log.windows_prefix('a/b')}no.parquet")


def test_what_is_no_window_or_no_parquet_is_told(log: EventLog) -> None:
    """By its address."""
    uri = f"{log.windows_prefix('1')}1-000000.parquet"
    log.store.put(uri, b"x")
    with pytest.raises(IntegrityError, match="1-000000"):
        log.window(uri)
    with pytest.raises(IntegrityError, match="1-000000"):
        log.read(uri)


def test_an_object_is_created_once(store: ObjectStore, place: str) -> None:
    """What stands there stays, with its metadata."""
    assert store.create(place, b"first", {"rows": "1"})
    assert not store.create(place, b"second", {"rows": "2"})
    assert store.get(place) == b"first"
    assert (store.metadata(place) or {})["rows"] == "1"


def test_names() -> None:
    """They carry the clock; a word in a loop's or a bucket's name is not taken for a folder of the log."""
    assert clock_of(f"{clock_name(NOW)}-12345678.parquet") == NOW
    window = "s3://windows/eventlog/windows/windows/version=1/1-000000.parquet"
    assert told_uri(window) == "s3://windows/eventlog/windows/told/version=1/1-000000.json"
