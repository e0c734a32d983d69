"""Requests in the spool. Each is a head of one size, an id, what the client told of its rows, scores and features.

Numbers are the bytes that they are, so that thousands of requests become arrays at once; all else is JSON. A record is
one request, or several of one plain form, one behind the other. Where none of those has an id of its own, the record
has one, which stands before all of them, and each is but its times, scores and features.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, groupby
from operator import itemgetter
from typing import Any
from uuid import UUID

import numpy as np
import numpy.typing as npt
import orjson

from feature_store.matrix import Matrix
from serving.predictor.payload.row_ids import OfRequests, RowIds, of_requests

HEAD = struct.Struct("<BxHIqdI")
"""Kind, bytes of the id, rows, time, seconds, bytes of what was told."""
_HEAD_FIELDS = (
    *(("kind", "u1"), ("unused", "u1"), ("id_bytes", "<u2"), ("rows", "<u4")),
    *(("at", "<i8"), ("seconds", "<f8"), ("told_bytes", "<u4")),
)
FORM = slice(0, 8)
PLACES = struct.Struct("<BxHI")
"""Kind, size of the id and rows: equal for records whose parts have the same places, but for what was told."""
TIMES = struct.Struct("<qd")
"""Time and seconds of a request whose record has the id."""
_TIMES_FIELDS = (("at", "<i8"), ("seconds", "<f8"))
_TOLD_BYTES = slice(24, 28)
MADE_ID, FAILED, MATRIX, ROW_IDS, TIMESTAMPS, SHARED = 1, 2, 4, 8, 16, 32
"""Kinds: the id is a uuid's 16 bytes; there are no scores, but an error; the features are a matrix, not JSON; what was
told of the rows; the id is the record's.
"""
_TOLD = FAILED | ROW_IDS | TIMESTAMPS
_PLAIN = _TOLD | MATRIX
"""Of a plain form, the features are a matrix, and nothing was told: all requests of it have one size."""
_LARGE = 2**14


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


def rows_of(record: bytes | memoryview, features: int, labels: int) -> int:
    """How many rows a record has."""
    kind, id_bytes, rows = PLACES.unpack_from(record)
    requests = 1
    if kind & SHARED:
        requests = (len(record) - PLACES.size - id_bytes) // _form(None, rows, labels, features).itemsize
    elif kind & _PLAIN == MATRIX:
        requests = len(record) // _form(id_bytes, rows, labels, features).itemsize
    return int(rows) * requests


def unpack(records: Sequence[bytes | memoryview], features: int, labels: int) -> list[Record]:
    """The requests of records whose checksums were right, in their order."""
    found: list[Record] = []
    for _, group in groupby(records, itemgetter(FORM)):
        shared = list(group)
        if shared[0][0] & SHARED:
            found.extend(_of_one_id(record, features, labels) for record in shared)
            continue
        alike = [bytes(record) for record in shared]
        if len(alike[0]) < _LARGE:
            found.append(_unpacked(alike, features, labels))
        else:  # put together, they would only be copied
            found.extend(_unpacked([record], features, labels) for record in alike)
    return found


def _unpacked(records: list[bytes], features: int, labels: int) -> Record:
    kind, id_bytes, rows = PLACES.unpack_from(records[0])
    told, records = _told(records, HEAD.size + id_bytes) if kind & _TOLD else ([], records)
    width, height = (0 if kind & FAILED else labels), (features if kind & MATRIX else 0)
    form = _form(id_bytes, rows, width, height)
    size = form.itemsize
    parts = records if height else [record[:size] for record in records]
    fixed = np.frombuffer(parts[0] if len(parts) == 1 else b"".join(parts), form)
    return Record(
        rows=rows * len(fixed),
        each=rows,
        row_ids=(
            list(chain.from_iterable(row_ids for row_ids, *_ in told))
            if kind & ROW_IDS
            else of_requests(fixed["id"], bool(kind & MADE_ID), rows)
        ),
        at=fixed["at"],
        timestamps=list(chain.from_iterable(times for _, times, _ in told)) if kind & TIMESTAMPS else None,
        seconds=fixed["seconds"],
        errors=[error for *_, error in told for _ in range(rows)] if told else None,
        columns=None if height else _columns([record[size:] for record in records], rows, features),
        probabilities=fixed["scores"].reshape(-1, width) if width else None,
        matrix=fixed["matrix"].reshape(-1, height) if height else None,
    )


def _of_one_id(record: bytes | memoryview, features: int, labels: int) -> Record:
    _, id_bytes, rows = PLACES.unpack_from(record)
    start = PLACES.size + id_bytes
    requests = np.frombuffer(record, _form(None, rows, labels, features), offset=start)
    return Record(
        rows=rows * len(requests),
        each=rows,
        row_ids=OfRequests([str(UUID(bytes=bytes(record[PLACES.size : start])))], rows * len(requests)),
        at=requests["at"],
        timestamps=None,
        seconds=requests["seconds"],
        errors=None,
        columns=None,
        probabilities=requests["scores"].reshape(-1, labels),
        matrix=requests["matrix"].reshape(-1, features),
    )


@lru_cache(maxsize=100)
def _form(id_bytes: int | None, rows: int, width: int, height: int) -> np.dtype[np.void]:
    """The parts of a request without what was told; its id is None where the record has it."""
    head = _TIMES_FIELDS if id_bytes is None else [*_HEAD_FIELDS, ("id", "u1", (id_bytes,))]
    return np.dtype([*head, ("scores", "<f4", (rows, width)), ("matrix", "<f4", (rows, height))])


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
