"""Records as they were written before: a process of the version before may have left some."""

from __future__ import annotations

import struct

import numpy as np
import orjson

from serving.predictor.payload.packing import Packer
from serving.predictor.payload.request_id import NewIds
from serving.predictor.rows import Identity, Rows

_LENGTH = struct.Struct("<I")


def repacked(record: bytes, features: int, labels: int) -> bytes:
    """A record of format 1, which began with JSON, as one of today's."""
    start = _LENGTH.size + _LENGTH.unpack_from(record)[0]
    rows, at, seconds, request_id, row_ids, timestamps, error, columns = orjson.loads(record[_LENGTH.size : start])
    width = 0 if error is not None else labels
    numbers = np.frombuffer(record[start:], np.float32)
    scores = numbers[: rows * width].reshape(rows, width) if width else None
    matrix = numbers[rows * width :].reshape(rows, features if columns is None else 0)
    rows = Rows(matrix, columns, Identity(row_ids, timestamps), request_id)
    packer = Packer(NewIds(), 1, lambda: int(at * 1e6) * 1000)
    packer.add(rows, scores, {}, seconds, error)
    ((packed, *_),) = packer.packed()
    return packed
