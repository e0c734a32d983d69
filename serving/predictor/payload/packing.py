"""Requests on their way into the spool."""

from __future__ import annotations

import struct
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import orjson

from feature_store.matrix import Matrix
from serving.predictor.column import Column
from serving.predictor.payload.record import (
    FAILED,
    FORM,
    HEAD,
    MADE_ID,
    MATRIX,
    ROW_IDS,
    TIMESTAMPS,
)
from serving.predictor.payload.request_id import NewIds, is_sampled, request_id
from serving.predictor.payload.usual import Logged, Packed, Usual
from serving.predictor.rows import UNTOLD, Identity, Rows

_HEAD_OF_ALL = struct.Struct("<BxHIq")
_HEAD_OF_ONE = struct.Struct("<dI")
"""Together a head: what neighbours of one plain form share, as they are answered at one time, and the rest."""


class Packer:
    """Makes records of requests that are answered at one time: neighbours of one plain form share one."""

    def __init__(self, ids: NewIds, share: float, clock: Callable[[], int] = time.time_ns) -> None:
        """Requests without an id get one of `ids`; those that are not in the sample of that share are left out.

        `clock` gives the nanoseconds since 1970: requests that are answered together have one time.
        """
        self._ids = ids
        self._share = share
        self._clock = clock
        self._others: list[Logged] = []
        self._usual = Usual(ids, clock, self._others.append)
        self.add = self._usual.add if share >= 1 else self._add
        """Take a request that is about to be answered."""

    def packed(self) -> list[Packed]:
        """The records of all requests since, which are answered now."""
        if not self._others:
            return self._usual.packed()
        others = self._any(self._clock() // 1000)
        self._others.clear()
        return self._usual.packed() + others

    def forget(self) -> int:
        """Give up what cannot be packed. How many rows that were."""
        lost = sum(len(rows.matrix) for rows, *_ in self._others)
        self._others.clear()
        return lost + self._usual.forget()

    def _add(
        self, rows: Rows, scores: Matrix | None, headers: Mapping[str, str], seconds: float, error: str | None
    ) -> None:
        """A sample leaves requests out, each by its own id."""
        self._others.append((rows, scores, headers, seconds, error))

    def _any(self, micros: int) -> list[Packed]:
        logged, share = self._others, self._share
        names = self._ids.take(len(logged))
        packed: list[Packed] = []
        parts: list[bytes] = []
        before, head, total = (0, 0, 0), b"", 0
        for ((matrix, columns, identity, own), scores, headers, seconds, error), made in zip(
            logged, names, strict=True
        ):
            told = request_id(own, headers)
            kind, name = (MATRIX, told.encode()) if told else (MATRIX | MADE_ID, made)
            if share < 1 and not is_sampled(name, share):
                continue
            is_plain = columns is None and identity is UNTOLD and scores is not None
            form = (kind, len(name), len(matrix))
            if not is_plain or form != before:
                if parts:
                    packed.append((b"".join(parts), total, head[FORM], None))
                    parts, total = [], 0
                before, head = form, _HEAD_OF_ALL.pack(*form, micros)
            if scores is None or not is_plain:
                record = _pack(kind, name, matrix, columns, identity, scores, micros, seconds, error)
                packed.append((record, len(matrix), b"", None))
                before = (0, 0, 0)
                continue
            parts += (head, _HEAD_OF_ONE.pack(seconds, 0), name, scores.tobytes(), matrix.tobytes())
            total += len(matrix)
        if parts:
            packed.append((b"".join(parts), total, head[FORM], None))
        return packed


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
