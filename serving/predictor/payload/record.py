"""Requests in the spool. A record is a head of one size, an id, what the client told of its rows, scores and features.

Numbers are the bytes that they are, so that thousands of records become arrays at once; all else is JSON.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, groupby
from operator import itemgetter
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson

from feature_store.matrix import Matrix
from serving.predictor.payload.row_ids import RowIds, of_requests
from serving.predictor.rows import Rows

_HEAD = struct.Struct("<BxHIqdI")
_HEAD_FIELDS = (
    *(("kind", "u1"), ("unused", "u1"), ("id_bytes", "<u2"), ("rows", "<u4")),
    *(("at", "<i8"), ("seconds", "<f8"), ("told_bytes", "<u4")),
)
_FORM = slice(0, 8)
"""Kind, size of the id and rows: equal for records whose parts have the same places, but for what was told."""
_TOLD_BYTES = slice(24, 28)
_MADE_ID, _FAILED, _MATRIX, _ROW_IDS, _TIMESTAMPS = 1, 2, 4, 8, 16
"""Kinds: the id is a uuid's 16 bytes; there are no scores, but an error; the features are a matrix, not JSON; what was
told of the rows.
"""
_TOLD = _FAILED | _ROW_IDS | _TIMESTAMPS


@dataclass(frozen=True)
class Record:
    """One request or more of one kind, as they are read back. Each list and array has an entry a row, but for `at` and
    `seconds`, which have one a request.
    """

    rows: int
    each: int
    """Rows of each request."""
    row_ids: RowIds
    at: npt.NDArray[np.int64]
    """When it was answered, in microseconds since 1970."""
    timestamps: list[str] | None
    """When it happened, as far as the client told."""
    seconds: npt.NDArray[np.float64]
    errors: list[str | None] | None
    columns: list[list[Any]] | None
    """In the order of the features; None: the client sent the matrix."""
    probabilities: Matrix | None
    """[rows, labels]; None: the model failed."""
    matrix: Matrix | None


def pack(
    rows: Rows,
    request_id: str | bytes,
    at: float,
    seconds: float,
    probabilities: Matrix | None,
    error: str | None = None,
) -> bytes:
    """The record of one request; an id in bytes is a uuid's. This is what a request waits for: nothing is converted
    that can wait.
    """
    matrix, columns, (row_ids, timestamps), _ = rows
    kind = _MADE_ID if isinstance(request_id, bytes) else 0
    name = request_id if isinstance(request_id, bytes) else request_id.encode()
    told = scores = b""
    if probabilities is None:
        kind |= _FAILED
    else:
        scores = probabilities.tobytes()
    if row_ids is not None or timestamps is not None or probabilities is None:
        kind |= (row_ids is not None and _ROW_IDS) | (timestamps is not None and _TIMESTAMPS)
        told = orjson.dumps((row_ids, timestamps, error))
    if columns is None:
        kind |= _MATRIX
        features = matrix.tobytes()
    else:
        plain = [column[0] for column in columns] if len(matrix) == 1 else columns
        features = orjson.dumps(plain, default=_plain, option=orjson.OPT_SERIALIZE_NUMPY)
    return b"".join(
        (_HEAD.pack(kind, len(name), len(matrix), int(at * 1e6), seconds, len(told)), name, told, scores, features)
    )


def rows_of(record: bytes) -> int:
    """How many rows a record has."""
    return int.from_bytes(record[4:8], "little")


def unpack(records: Sequence[bytes], features: int, labels: int) -> list[Record]:
    """The requests of records whose checksums were right, in their order."""
    return [_unpacked(list(group), features, labels) for _, group in groupby(records, itemgetter(_FORM))]


def _unpacked(records: list[bytes], features: int, labels: int) -> Record:
    kind, id_bytes, rows, *_ = _HEAD.unpack_from(records[0])
    told, records = _told(records, _HEAD.size + id_bytes) if kind & _TOLD else ([], records)
    width, height = (0 if kind & _FAILED else labels), (features if kind & _MATRIX else 0)
    form = _form(id_bytes, rows, width, height)
    size = form.itemsize
    fixed = np.frombuffer(b"".join(records if height else [record[:size] for record in records]), form)
    return Record(
        rows=rows * len(records),
        each=rows,
        row_ids=(
            list(chain.from_iterable(row_ids for row_ids, *_ in told))
            if kind & _ROW_IDS
            else of_requests(fixed["id"], bool(kind & _MADE_ID), rows)
        ),
        at=fixed["at"],
        timestamps=list(chain.from_iterable(times for _, times, _ in told)) if kind & _TIMESTAMPS else None,
        seconds=fixed["seconds"],
        errors=[error for *_, error in told for _ in range(rows)] if told else None,
        columns=None if height else _columns([record[size:] for record in records], rows, features),
        probabilities=fixed["scores"].reshape(-1, width) if width else None,
        matrix=fixed["matrix"].reshape(-1, height) if height else None,
    )


@lru_cache(maxsize=100)
def _form(id_bytes: int, rows: int, width: int, height: int) -> np.dtype[np.void]:
    """The parts of a record without what was told."""
    return np.dtype(
        [*_HEAD_FIELDS, ("id", "u1", (id_bytes,)), ("scores", "<f4", (rows, width)), ("matrix", "<f4", (rows, height))]
    )


def _told(records: list[bytes], start: int) -> tuple[list[Any], list[bytes]]:
    """What was told with each record, and the records without it."""
    ends = [start + int.from_bytes(record[_TOLD_BYTES], "little") for record in records]
    told = _listed(record[start:end] for record, end in zip(records, ends, strict=True))
    return told, [record[:start] + record[end:] for record, end in zip(records, ends, strict=True)]


def _listed(parts: Iterable[bytes]) -> list[Any]:
    """The values of many pieces of JSON, read at once."""
    values: list[Any] = orjson.loads(b"".join((b"[", b",".join(parts), b"]")))
    return values


def _columns(features: list[bytes], rows: int, width: int) -> list[list[Any]]:
    """A list a feature, from the JSON of each request: of one row its values, of more a list a feature."""
    if rows == 1:
        values = _listed(row[1:-1] for row in features)  # one long list: its parts are taken faster than made
        return [values[at::width] for at in range(width)]
    return [list(chain.from_iterable(column)) for column in zip(*_listed(features), strict=True)]


def _plain(value: Any) -> Any:
    """What JSON does not know: text in bytes, and arrays of a layout that orjson does not take."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value.tolist()
