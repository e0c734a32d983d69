"""The two columns a request may have beside the features: which row it is, and when it happened.

They are in no metadata: V2's cannot say that an input is optional, and clients that read it would be made to send them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from feature_store.contract import EVENT_TIME, ROW_ID
from serving.errors import InvalidRequestError, shown
from serving.predictor.column import Column
from serving.predictor.rows import UNTOLD, Identity

MAX_ID = 1024
"""Characters of a row's id, as in payload events."""
_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)", re.ASCII)


def identity_of(columns: Mapping[str, Column], rows: int) -> Identity:
    """The identity of so many rows, from whichever of the two columns are there. InvalidRequestError names a value."""
    if not columns:
        return UNTOLD
    for name, column in columns.items():
        if len(column) != rows:
            raise InvalidRequestError(f"Column {name!r} has {len(column)} rows; expected {rows}, as the features have.")
    ids, times = columns.get(ROW_ID), columns.get(EVENT_TIME)
    return Identity(None if ids is None else _row_ids(ids), None if times is None else _timestamps(times))


def _row_ids(values: Sequence[Any] | Column) -> list[str]:
    return [_row_id(value, row) for row, value in enumerate(values)]


def _row_id(value: object, row: int) -> str:
    text = _text(value)
    if text is None or not 0 < len(text) <= MAX_ID:
        raise _refusal(ROW_ID, value, row, f"text of 1 to {MAX_ID} characters")
    return text


def _timestamps(values: Sequence[Any] | Column) -> list[str]:
    return [_timestamp(value, row) for row, value in enumerate(values)]


def _timestamp(value: object, row: int) -> str:
    text = _text(value)
    try:
        if text is None or not _TIME.fullmatch(text):
            raise ValueError
        return datetime.fromisoformat(text.upper()).astimezone(UTC).isoformat()
    except (ValueError, OverflowError) as error:
        expected = "a time of RFC 3339 with its offset, such as 2013-03-01T12:00:00Z"
        raise _refusal(EVENT_TIME, value, row, expected) from error


def _text(value: object) -> str | None:
    try:
        return value.decode() if isinstance(value, bytes) else value if isinstance(value, str) else None
    except UnicodeDecodeError:
        return None


def _refusal(name: str, value: object, row: int, expected: str) -> InvalidRequestError:
    return InvalidRequestError(f"Column {name!r} is {shown(value)} in row {row}; expected {expected}.")
