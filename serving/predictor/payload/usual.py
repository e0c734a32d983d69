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
"""A request that is about to be answered. No probabilities: the model failed, and there is the error."""
Packed = tuple[bytes, int, bytes, Callable[[], bytes] | None]
"""A record, its rows, its form, and what makes what stands before it.

It may be one with another of the same form, unless that is empty; what stands before it is needed only where it is not.
"""
_MOST = 64
"""Requests that are packed by one call."""
_MOST_NUMBERS = 64
"""Of rows, for which it is kept how requests are packed."""
_VALUES = 4
"""Of each request, in the order of its bytes. Requests that are answered together have the time of the first."""


class Usual:
    """Requests of matrices with one number of rows. They share one id, and their rows are counted through."""

    def __init__(self, ids: NewIds, clock: Callable[[], int], other: Callable[[Logged], None]) -> None:
        """`clock` gives the nanoseconds since 1970; `other` takes each request of another kind."""
        self._ids = ids
        self._clock = clock
        self._other = other
        self._values: list[Any] = []
        self._form = b""
        self._micros = 0
        self._rows = 0
        """Of each request of that form."""
        self._plain_headers: Mapping[str, str] | None = None
        """The last that had no id: mostly all have the same."""
        self._structs: dict[int, Struct] = {}
        """By the number of requests, and all by the number of rows of each."""
        self._all_structs: dict[int, dict[int, Struct]] = {}

    def add(
        self, rows: Rows, scores: Matrix | None, headers: Mapping[str, str], seconds: float, error: str | None
    ) -> None:
        """Take a request: what is kept of it are bytes, so that it ends with its answer, while its memory is near."""
        matrix, columns, identity, own = rows
        if (
            columns is None
            and own is None
            and identity is UNTOLD
            and scores is not None
            and (headers is self._plain_headers or self._are_plain(headers))
            and (len(matrix) == self._rows or self._begins(len(matrix)))
        ):
            if not self._values:
                self._micros = self._clock() // 1000
            self._values += (self._micros, seconds, scores.tobytes(), matrix.tobytes())
        else:
            self._other((rows, scores, headers, seconds, error))

    def packed(self) -> list[Packed]:
        """The records of the requests that were taken since."""
        values = self._values
        count = len(values) // _VALUES
        if not 0 < count <= _MOST:
            return self._in_parts()
        struct = self._structs.get(count) or self._struct(values, count)
        record = struct.pack(*values)
        values.clear()
        return [(record, self._rows * count, self._form, self._opening)]

    def forget(self) -> int:
        """Give up what was taken and not packed yet. How many rows that were."""
        lost = len(self._values) // _VALUES * self._rows
        self._values.clear()
        return lost

    def _in_parts(self) -> list[Packed]:
        values, step = self._values.copy(), _MOST * _VALUES
        found: list[Packed] = []
        for start in range(0, len(values), step):
            self._values[:] = values[start : start + step]
            found += self.packed()
        return found

    def _are_plain(self, headers: Mapping[str, str]) -> bool:
        if HEADER in headers:
            return False
        self._plain_headers = headers
        return True

    def _begins(self, rows: int) -> bool:
        """Whether requests of so many rows may follow: none of another number waits."""
        if self._values:
            return False
        self._rows = rows
        if len(self._all_structs) >= _MOST_NUMBERS:
            self._all_structs.clear()
        self._structs = self._all_structs.setdefault(rows, {})
        self._form = PLACES.pack(MATRIX | MADE_ID | SHARED, ID_BYTES, rows)
        return True

    def _struct(self, values: Sequence[Any], count: int) -> Struct:
        """Of so many requests; bytes are told by their number, for else they would be cut or filled."""
        *_, scores, matrix = values
        made = self._structs[count] = Struct("<" + f"{TIMES.format[1:]}{len(scores)}s{len(matrix)}s" * count)
        return made

    def _opening(self) -> bytes:
        return self._form + self._ids.take(1)[0]
