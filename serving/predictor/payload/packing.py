"""Requests on their way into the spool."""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import orjson

from feature_store.matrix import Matrix
from serving.predictor.column import Column
from serving.predictor.payload.record import (
    FAILED,
    FORM,
    HEAD,
    MADE_ID,
    MATRIX,
    PLACES,
    ROW_IDS,
    SHARED,
    TIMES,
    TIMESTAMPS,
)
from serving.predictor.payload.request_id import HEADER, ID_BYTES, NewIds, is_sampled, request_id
from serving.predictor.rows import UNTOLD, Identity, Rows

Logged = tuple[Rows, Matrix | None, Mapping[str, str], float, str | None]
"""A request that is about to be answered: probabilities, or None where the model failed; headers, seconds, the error.

This is what it waits for: nothing is converted that can wait.
"""


class Packed(NamedTuple):
    """A record, or what makes one longer."""

    record: bytes
    rows: int
    form: bytes = b""
    """It may be one with another of the same form, unless that is empty."""
    opening: Callable[[], bytes] | None = None
    """Makes what stands before it where it begins a record."""


_HEAD_OF_ALL = struct.Struct("<BxHIq")
_HEAD_OF_ONE = struct.Struct("<dI")
"""Together a head: what neighbours of one plain form share, as they are answered at one time, and the rest."""


def pack_all(logged: Sequence[Logged], at: float, ids: NewIds, share: float) -> list[Packed]:
    """The records of requests that are answered at one time: neighbours of one plain form share one.

    Requests without an id get one of `ids`; those that are not in the sample of that share are left out.
    """
    micros = int(at * 1e6)
    usual = _usual(logged, micros, ids) if share >= 1 else None
    if usual is not None:
        return [usual]
    names = ids.take(len(logged))
    packed: list[Packed] = []
    parts: list[bytes] = []
    before, head, total = (0, 0, 0), b"", 0
    for ((matrix, columns, identity, own), scores, headers, seconds, error), made in zip(logged, names, strict=True):
        told = request_id(own, headers)
        kind, name = (MATRIX, told.encode()) if told else (MATRIX | MADE_ID, made)
        if share < 1 and not is_sampled(name, share):
            continue
        is_plain = columns is None and identity is UNTOLD and scores is not None
        form = (kind, len(name), len(matrix))
        if not is_plain or form != before:
            if parts:
                packed.append(Packed(b"".join(parts), total, head[FORM]))
                parts, total = [], 0
            before, head = form, _HEAD_OF_ALL.pack(*form, micros)
        if scores is None or not is_plain:
            record = _pack(kind, name, matrix, columns, identity, scores, micros, seconds, error)
            packed.append(Packed(record, len(matrix)))
            before = (0, 0, 0)
            continue
        parts += (head, _HEAD_OF_ONE.pack(seconds, 0), name, scores.tobytes(), matrix.tobytes())
        total += len(matrix)
    if parts:
        packed.append(Packed(b"".join(parts), total, head[FORM]))
    return packed


def _usual(logged: Sequence[Logged], micros: int, ids: NewIds) -> Packed | None:
    """The record of what most clients send: matrices of one shape, nothing told. None for anything else.

    Such requests share one id, and their rows are counted through.
    """
    shape = logged[0][0].matrix.shape
    pack, parts = TIMES.pack, list[bytes]()
    for (matrix, columns, identity, own), scores, headers, seconds, _ in logged:
        is_told = columns is not None or own is not None or identity is not UNTOLD or HEADER in headers
        if is_told or scores is None or matrix.shape != shape:
            return None
        parts += (pack(micros, seconds), scores.tobytes(), matrix.tobytes())
    form = PLACES.pack(MATRIX | MADE_ID | SHARED, ID_BYTES, shape[0])
    return Packed(b"".join(parts), shape[0] * len(logged), form, lambda: form + ids.take(1)[0])


def _pack(
    kind: int,
    name: bytes,
    matrix: Matrix,
    columns: Sequence[Column] | None,
    identity: Identity,
    probabilities: Matrix | None,
    micros: int,
    seconds: float,
    error: str | None,
) -> bytes:
    """A request of no plain form."""
    row_ids, timestamps = identity
    told = scores = b""
    if probabilities is None:
        kind |= FAILED
    else:
        scores = probabilities.tobytes()
    if row_ids is not None or timestamps is not None or probabilities is None:
        kind |= (row_ids is not None and ROW_IDS) | (timestamps is not None and TIMESTAMPS)
        told = orjson.dumps((row_ids, timestamps, error))
    if columns is None:
        features = matrix.tobytes()
    else:
        kind &= ~MATRIX
        plain = [column[0] for column in columns] if len(matrix) == 1 else columns
        features = orjson.dumps(plain, default=_plain, option=orjson.OPT_SERIALIZE_NUMPY)
    return b"".join((HEAD.pack(kind, len(name), len(matrix), micros, seconds, len(told)), name, told, scores, features))


def _plain(value: Any) -> Any:
    """What JSON does not know: text in bytes, and arrays of a layout that orjson does not take."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value.tolist()
