"""What a replay sends: the rows of a frame in the order of their events, and their labels once they are known."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from contracts.events import Label
from contracts.window import Window
from feature_store.contract import EVENT_TIME, LABEL, LABEL_TIME, ROW_ID, DataContract

LABELS = 2000
"""Of one event."""


@dataclass(frozen=True)
class Day:
    """One day of traffic, by the events' own time."""

    date: date
    requests: list[pa.Table]
    """Each with row_id, event_timestamp and the features, in the order of their events."""
    labels: list[Label]
    """What came to be known on that day."""

    @property
    def rows(self) -> int:
        """How many rows are asked about."""
        return sum(request.num_rows for request in self.requests)


def read(frame: Path, contract: DataContract) -> pa.Table:
    """What a replay needs of a frame, in the order of the events."""
    names = [ROW_ID, EVENT_TIME, LABEL_TIME, LABEL, *(column.name for column in contract.columns)]
    return pq.read_table(frame, columns=names).sort_by([(EVENT_TIME, "ascending"), (ROW_ID, "ascending")])


def shuffled(rows: pa.Table, seed: int) -> pa.Table:
    """The same rows with their times dealt anew: whatever hangs on time is gone."""
    order = np.random.default_rng(seed).permutation(rows.num_rows)
    dealt = rows.take(pa.array(order))
    for name in (EVENT_TIME, LABEL_TIME):
        dealt = dealt.set_column(dealt.column_names.index(name), name, rows[name])
    return dealt


def days(
    rows: pa.Table, loop: str, classes: tuple[str, ...], label_delay: timedelta, batch_rows: int, window: Window
) -> Iterator[Day]:
    """Each day of the window: its requests, of at most `batch_rows` rows, and the labels that became known on it.

    A label is known `label_delay` after its event; rows whose outcome never came have none.
    """
    known = rows.filter(pc.is_finite(pc.fill_null(rows[LABEL], float("nan"))))
    known = known.append_column("known_at", pc.add(known[LABEL_TIME], pa.scalar(label_delay)))
    for day in window.days():
        yield Day(day, _requests(_on(rows, EVENT_TIME, day), batch_rows), _labels(known, loop, classes, day))


def _on(rows: pa.Table, column: str, day: date) -> pa.Table:
    first = datetime(day.year, day.month, day.day, tzinfo=UTC)
    kind = pa.timestamp("us", tz="UTC")
    start, end = pa.scalar(first, kind), pa.scalar(first + timedelta(days=1), kind)
    return rows.filter(pc.and_(pc.greater_equal(rows[column], start), pc.less(rows[column], end)))


def _requests(rows: pa.Table, batch_rows: int) -> list[pa.Table]:
    asked = rows.drop_columns([LABEL, LABEL_TIME])
    return [asked.slice(first, batch_rows) for first in range(0, asked.num_rows, batch_rows)]


def _labels(known: pa.Table, loop: str, classes: tuple[str, ...], day: date) -> list[Label]:
    due = _on(known, "known_at", day)
    parts = (due.slice(first, LABELS) for first in range(0, due.num_rows, LABELS))
    return [
        Label(
            loop=loop,
            row_ids=tuple(part[ROW_ID].to_pylist()),
            labels=tuple(classes[int(label)] for label in part[LABEL].to_pylist()),
            event_times=tuple(part["known_at"].to_pylist()),
        )
        for part in parts
    ]
