"""One event as the rows that are to be stored: of a version's answers, or of labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from contracts.cloudevent import CloudEvent
from contracts.errors import DataError
from contracts.eventlog import LABEL_COLUMNS, ROW_COLUMNS, TIME, dates, quoted
from contracts.events import EventData, Label, Payload, from_event

MAX_DATES = 400
"""Of one event: each becomes an object."""
MAX_VERSION_BYTES = 200
"""Of a version as a key writes it; keys end at 1024."""
EARLIEST = datetime(1678, 1, 1, tzinfo=UTC)
LATEST = datetime(2261, 12, 31, tzinfo=UTC)
"""Times that every reader can hold, in nanoseconds too."""


@dataclass(frozen=True)
class Entry:
    """The rows of one event."""

    key: tuple[str, str]
    """Source and id of the event."""
    loop: str
    version: str | None
    """None: labels, which no version owns."""
    table: pa.Table = field(repr=False)
    bytes: int
    """Of the event, while it waits."""


def read(event: CloudEvent) -> Entry:
    """The rows of a payload or label event. DataError for any other, or one that is malformed."""
    return of(event, from_event(event))


def of(event: CloudEvent, data: EventData) -> Entry:
    """The rows of data that came in an event."""
    key, size = (event["source"], event["id"]), len(event.data)
    if isinstance(data, Payload):
        return Entry(key, data.loop, data.model_version, _rows(data, event["id"]), size)
    if isinstance(data, Label):
        return Entry(key, data.loop, None, _labels(data), size)
    raise DataError(f"The event log takes payload and label events; this one is {event['type']!r}.")


def _rows(payload: Payload, event_id: str) -> pa.Table:
    """Columns of ROW_COLUMNS, then the raw features. The last class is the last of `scores`."""
    if taken := sorted(set(payload.columns) & set(ROW_COLUMNS.names)):
        raise DataError(f"Feature {taken[0]!r} has the name of a column of the event log.", "Give it another name.")
    if len(quoted(payload.model_version)) > MAX_VERSION_BYTES:
        raise DataError(f"The model version is longer than {MAX_VERSION_BYTES} bytes: {payload.model_version[:50]!r}….")
    rows = len(payload.row_ids)
    score = next(reversed(payload.scores.values()), (None,) * rows)
    own = [
        payload.row_ids,
        _times(payload.timestamps, "timestamps"),
        pa.repeat(payload.model_version, rows),
        pa.repeat(payload.revision, rows),
        score,
        payload.errors,
        payload.seconds,
        pa.repeat(event_id, rows),
    ]
    table = pa.table(own, schema=ROW_COLUMNS)
    for name, values in payload.columns.items():
        table = table.append_column(name, _feature(values))
    return table


def _labels(label: Label) -> pa.Table:
    values = [_text(value) for value in label.labels]
    return pa.table([label.row_ids, values, _times(label.event_times, "event_times")], schema=LABEL_COLUMNS)


def _times(times: Sequence[datetime], where: str) -> pa.Array:
    for time in (min(times), max(times)):
        if not EARLIEST <= time <= LATEST:
            raise DataError(f"{where}: {time} is not between the years {EARLIEST.year} and {LATEST.year}.")
    column = pa.array(times, TIME)
    if (days := len(pc.unique(dates(column)))) > MAX_DATES:
        raise DataError(f"{where}: they are of {days} days; an event may have {MAX_DATES}.", "Send them by day.")
    return column


def _feature(values: Sequence[Any]) -> pa.Array:
    """Of the type that fits all values: whole numbers, numbers, booleans or text."""
    try:
        return pa.array(values)
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
        pass  # more than one type, or a whole number beyond 64 bits
    try:
        return pa.array([None if value is None else _number(value) for value in values], pa.float64())
    except (TypeError, OverflowError):
        return pa.array([None if value is None else _text(value) for value in values], pa.string())


def _number(value: bool | int | float | str) -> float:
    if isinstance(value, str | bool):
        raise TypeError(value)
    return float(value)


def _text(value: bool | int | float | str) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
