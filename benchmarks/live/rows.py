"""Past rows asked about in another order, at even times: what hangs on time is gone, and nothing drifts."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from itertools import count

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from contracts.loop import LoopSpec
from contracts.window import Window
from feature_store.contract import EVENT_TIME, LABEL_TIME, ROW_ID, load
from scripts.replay import traffic

OUTCOME = timedelta(hours=1)
"""From a row to the event that its label is about; the loop's label delay comes after it."""


def within(rows: pa.Table, window: Window) -> pa.Table:
    """The rows of some days."""
    times = rows[EVENT_TIME]
    start, end = (pa.scalar(time, times.type) for time in (window.start_time, window.end_time))
    return rows.filter(pc.and_(pc.greater_equal(times, start), pc.less(times, end)))


def dealt(rows: pa.Table, requests: int, start: date, step: timedelta, seed: int) -> pa.Table:
    """So many rows, drawn in passes without repetition, `step` apart. Each is a row of its own: so says its id."""
    random = np.random.default_rng(seed)
    passes = [random.permutation(rows.num_rows) for _ in range(-(-requests // rows.num_rows))]
    asked = rows.take(pa.array(np.concatenate(passes)[:requests]))
    first = datetime.combine(start, time(), UTC)
    times = pa.array([first + place * step for place in range(requests)], pa.timestamp("us", tz="UTC"))
    outcomes = pa.array([first + place * step + OUTCOME for place in range(requests)], times.type)
    ids = pa.array([f"{row}-{seed}-{place}" for place, row in enumerate(asked[ROW_ID].to_pylist())])
    for name, column in ((ROW_ID, ids), (EVENT_TIME, times), (LABEL_TIME, outcomes)):
        asked = asked.set_column(asked.column_names.index(name), name, column)
    return asked


def days(spec: LoopSpec, asked: pa.Table, batch_rows: int) -> Iterator[traffic.Day]:
    """Dealt rows day by day, until the last label is known."""
    delay = timedelta(hours=spec.data.label_delay_hours)
    first, last = asked[EVENT_TIME][0].as_py(), asked[LABEL_TIME][-1].as_py() + delay
    window = Window(first.date(), last.date() + timedelta(days=1))
    return traffic.days(asked, spec.name, load(spec.name).labels, delay, batch_rows, window)


def endless(spec: LoopSpec, rows: pa.Table, start: date, step: timedelta) -> Iterator[traffic.Day]:
    """The rows in one order after another, for as long as somebody asks; one request a row."""
    for seed in count():
        for day in days(spec, dealt(rows, rows.num_rows, start, step, seed), batch_rows=1):
            yield day
            start = day.date + timedelta(days=1)
