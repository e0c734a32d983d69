"""What a replay sends, and in which order."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from contracts.window import Window
from feature_store.contract import EVENT_TIME, LABEL, LABEL_TIME, ROW_ID, load
from scripts.replay import traffic
from scripts.replay.sender import body_of

CLASSES = ("on_time", "late")
WINDOW = Window.parse("2013-03-01", "2013-03-04")


@pytest.fixture
def rows(tmp_path: Path) -> pa.Table:
    """Thirty rows of two days, an hour and a half apart, every tenth without an outcome."""
    times = [datetime(2013, 3, 1, tzinfo=UTC) + timedelta(hours=1.5 * hour) for hour in range(30)]
    frame = pd.DataFrame(
        {
            ROW_ID: [f"row{number:02}" for number in range(30)],
            EVENT_TIME: pd.Series(times).astype("datetime64[us, UTC]"),
            LABEL_TIME: (pd.Series(times) + pd.Timedelta(hours=1)).astype("datetime64[us, UTC]"),
            LABEL: [float("nan") if number % 10 == 9 else float(number % 2) for number in range(30)],
        }
    )
    for column in load("flights").columns:
        frame[column.name] = "UA" if column.categorical else [float("nan"), *range(1, 30)]
    pq.write_table(pa.Table.from_pandas(frame.sample(frac=1, random_state=3), preserve_index=False), tmp_path / "f")
    return traffic.read(tmp_path / "f", load("flights"))


def days(rows: pa.Table) -> list[traffic.Day]:
    """With labels a day late."""
    return list(traffic.days(rows, "flights", CLASSES, timedelta(days=1), 7, WINDOW))


def test_every_row_is_asked_once_on_its_day_in_order(rows: pa.Table) -> None:
    """In requests of the asked size at most, whatever order the frame has."""
    found = days(rows)
    assert [[request.num_rows for request in day.requests] for day in found] == [[7, 7, 2], [7, 7], []]
    asked = [row for day in found for request in day.requests for row in request[ROW_ID].to_pylist()]
    assert asked == [f"row{number:02}" for number in range(30)]


def test_no_label_is_told_before_it_is_known(rows: pa.Table) -> None:
    """A label comes a day after its event, the outcome that never came never, and no request carries one."""
    found = days(rows)
    assert all(LABEL not in request.column_names for day in found for request in day.requests)
    told = {row: day.date for day in found for label in day.labels for row in label.row_ids}
    known = dict(zip(rows[ROW_ID].to_pylist(), rows[LABEL_TIME].to_pylist(), strict=True))
    assert told == {
        row: (time + timedelta(days=1)).date()
        for row, time in known.items()
        if not row.endswith("9") and (time + timedelta(days=1)).date() < WINDOW.end
    }
    assert {text for day in found for label in day.labels for text in label.labels} == set(CLASSES)


def test_dealing_the_times_anew_keeps_rows_whole(rows: pa.Table) -> None:
    """Features and labels stay together; only when they are asked about changes, and the seed decides how."""
    dealt = traffic.shuffled(rows, seed=1)
    assert dealt[EVENT_TIME].equals(rows[EVENT_TIME])
    assert not dealt[ROW_ID].equals(rows[ROW_ID])
    columns = [name for name in rows.column_names if name not in (EVENT_TIME, LABEL_TIME)]
    assert dealt.select(columns).sort_by(ROW_ID).equals(rows.select(columns).sort_by(ROW_ID))
    assert traffic.shuffled(rows, seed=1).equals(dealt)


def test_a_request_says_who_and_when_and_has_no_nan(rows: pa.Table) -> None:
    """V2 JSON: a missing number is null."""
    inputs = {one["name"]: one for one in json.loads(body_of(days(rows)[0].requests[0].slice(0, 2)))["inputs"]}
    assert inputs[ROW_ID]["data"] == ["row00", "row01"]
    assert inputs[EVENT_TIME]["data"] == ["2013-03-01T00:00:00+00:00", "2013-03-01T01:30:00+00:00"]
    assert (inputs["distance"]["datatype"], inputs["distance"]["data"]) == ("FP64", [None, 1.0])
    assert (inputs["carrier"]["datatype"], inputs["carrier"]["shape"]) == ("BYTES", [2])
