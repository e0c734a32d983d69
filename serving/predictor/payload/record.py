"""One request in the spool: a JSON head, then the bytes of its probabilities and, if the client sent it, its matrix."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson

from feature_store.matrix import Matrix
from serving.predictor.rows import Rows

_LENGTH = struct.Struct("<I")


@dataclass(frozen=True)
class Record:
    """A request as it is read back."""

    rows: int
    at: float
    """When it was answered, in seconds since 1970."""
    seconds: float
    request_id: str
    row_ids: list[str] | None
    timestamps: list[str] | None
    error: str | None
    columns: list[list[Any]] | None
    """In the order of the features; None: the client sent the matrix."""
    probabilities: Matrix | None
    """[rows, labels]; None: the model failed."""
    matrix: Matrix | None


def pack(
    rows: Rows, request_id: str, at: float, seconds: float, probabilities: Matrix | None, error: str | None = None
) -> bytes:
    """The record of one request. This is what a request waits for: nothing is converted that can wait."""
    identity = rows.identity
    told = [len(rows.matrix), at, seconds, request_id, identity.row_ids, identity.timestamps, error, rows.columns]
    head = orjson.dumps(told, default=_plain, option=orjson.OPT_SERIALIZE_NUMPY)
    scores = b"" if probabilities is None else probabilities.tobytes()
    matrix = rows.matrix.tobytes() if rows.columns is None else b""
    return b"".join((_LENGTH.pack(len(head)), head, scores, matrix))


def unpack(record: bytes, features: int, labels: int) -> Record:
    """The request of a record whose checksum was right."""
    start = _LENGTH.size + _LENGTH.unpack_from(record)[0]
    rows, at, seconds, request_id, row_ids, timestamps, error, columns = orjson.loads(record[_LENGTH.size : start])
    width = 0 if error is not None else labels
    numbers = np.frombuffer(record[start:], np.float32)
    scores, matrix = numbers[: rows * width], numbers[rows * width :]
    return Record(
        *(rows, at, seconds, request_id, row_ids, timestamps, error, columns),
        probabilities=None if error is not None else scores.reshape(rows, labels),
        matrix=matrix.reshape(rows, features) if columns is None else None,
    )


def _plain(value: Any) -> Any:
    """What JSON does not know: text in bytes, and arrays of a layout that orjson does not take."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value.tolist()
