"""What most clients send, on its way into the spool: a matrix, and nothing told. Packed by as few calls as it takes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from struct import Struct
from typing import Any

from feature_store.matrix import Matrix
from serving.predictor.payload.record import MADE_ID, MATRIX, PLACES, SHARED, TIMES
from serving.predictor.payload.request_id import HEADER, ID_BYTES, NewIds
from serving.predictor.rows import UNTOLD, Rows

Logged = tuple[Rows, Matrix | None, Mapping[str, str], float, str | None]
"""A request that is about to be answered: probabilities, or None where the model failed; headers, seconds, the error.

This is what it waits for: nothing is converted that can wait.
"""
Packed = tuple[bytes, int, bytes, Callable[[], bytes] | None]
"""A record, its rows, its form, and what makes what stands before it.

It may be one with another of the same form, unless that is empty; what stands before it is needed only where it is not.
"""
MOST = 64
"""Requests that are packed by one call."""
_MOST_STRUCTS = 256


class Usual:
    """Packs requests of matrices with one number of rows. They share one id, and their rows are counted through."""

    def __init__(self, ids: NewIds) -> None:
        self._ids = ids
        self._form = b""
        self._rows = 0
        """Of each request of that form."""
        self._structs: dict[int, Struct] = {}

    def packed(self, logged: Sequence[Logged], micros: int) -> Packed | None:
        """The record of MOST requests at most; None if one of them is of another kind."""
        rows, values, known = len(logged[0][0].matrix), list[Any](), None
        for (matrix, columns, identity, own), scores, headers, seconds, _ in logged:
            if (
                columns is not None
                or own is not None
                or identity is not UNTOLD
                or scores is None
                or len(matrix) != rows
            ):
                return None
            if headers is not known:  # mostly all have the same
                if HEADER in headers:
                    return None
                known = headers
            values += (micros, seconds, scores.tobytes(), matrix.tobytes())
        count = len(logged)
        if rows != self._rows:
            self._begin(rows)
        struct = self._structs.get(rows * MOST + count) or self._struct(rows, count, values)
        return struct.pack(*values), rows * count, self._form, self._opening

    def _begin(self, rows: int) -> None:
        self._rows = rows
        self._form = PLACES.pack(MATRIX | MADE_ID | SHARED, ID_BYTES, rows)

    def _struct(self, rows: int, count: int, values: Sequence[Any]) -> Struct:
        """Of so many requests; bytes are told by their number, for else they would be cut or filled."""
        if len(self._structs) >= _MOST_STRUCTS:
            self._structs.clear()
        *_, scores, matrix = values
        made = self._structs[rows * MOST + count] = Struct(
            "<" + f"{TIMES.format[1:]}{len(scores)}s{len(matrix)}s" * count
        )
        return made

    def _opening(self) -> bytes:
        return self._form + self._ids.take(1)[0]
