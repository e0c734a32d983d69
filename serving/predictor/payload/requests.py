"""What all rows of a request have in common, as a payload event tells it: once a request, where that is shorter."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson

from serving.predictor.payload import row_ids
from serving.predictor.payload.record import Record

_LEAST_ROWS = 4
"""Of a request, on the average, for which a run is shorter than its rows."""
Part = Callable[[int, int], Any]
"""The entries of the rows from one to another, for orjson."""


class Requests:
    """The requests of some records. Each property tells one field of an event."""

    def __init__(self, records: Sequence[Record]) -> None:
        self._records = records
        counts = np.repeat([record.each for record in records], [len(record.at) for record in records])
        self._ends: list[int] = np.cumsum(counts).tolist()
        self._starts = [0, *self._ends[:-1]]
        self._counts = counts
        self._has_runs = self._ends[-1] >= _LEAST_ROWS * len(counts)

    def row_ids(self) -> Part:
        """Ids of the rows."""
        parts = [record.row_ids for record in self._records]
        names = row_ids.requests_of(parts) if self._has_runs else None
        if names is not None:
            own = names
            return lambda start, end: {"requests": [[own[at], *rows] for at, *rows in self._between(start, end)]}
        ids = row_ids.joined(parts)
        if isinstance(ids, list):
            return whole(ids)
        return lambda start, end: orjson.Fragment(row_ids.json_of(ids[start:end]))

    def timestamps(self) -> Part:
        """When it happened, as far as clients told, else when it was answered."""
        if all(record.timestamps is None for record in self._records):
            return self._common([record.at.view("datetime64[us]") for record in self._records])
        told = (record.timestamps or _iso(np.repeat(record.at, record.each)) for record in self._records)
        return whole(list(chain.from_iterable(told)))

    def seconds(self) -> Part:
        """How long the requests took."""
        return self._common([record.seconds for record in self._records])

    def _common(self, parts: list[npt.NDArray[Any]]) -> Part:
        values = np.concatenate(parts)
        if not self._has_runs:
            return whole(np.repeat(values, self._counts))
        return lambda start, end: {"runs": [[values[at], rows] for at, _, rows in self._between(start, end)]}

    def _between(self, start: int, end: int) -> Iterator[tuple[int, int, int]]:
        """Each request that has some of the rows: its place, the first of its rows among them, and how many."""
        at = bisect_right(self._ends, start)
        while start < end:
            stop = min(self._ends[at], end)
            yield at, start - self._starts[at], stop - start
            at, start = at + 1, stop


def whole(values: Sequence[Any] | npt.NDArray[Any]) -> Part:
    """An entry a row, as it is."""
    return lambda start, end: values[start:end]


def _iso(at: npt.NDArray[np.int64]) -> list[str]:
    texts: list[str] = np.datetime_as_string(at.view("datetime64[us]"), unit="us").tolist()
    return [f"{text}+00:00" for text in texts]
