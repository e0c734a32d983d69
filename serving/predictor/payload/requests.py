"""What rows of one request, or of one time, have in common, as a payload event tells it: once where that is shorter."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from itertools import accumulate, chain, repeat
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson
from pybase64 import b64encode_as_string

from serving.predictor.payload import row_ids
from serving.predictor.payload.record import Record

_LEAST_ROWS = 4
"""On the average, for which a run is shorter than its rows."""
_MICROS = "datetime64[us]"
Part = Callable[[int, int], Any]
"""The entries of the rows from one to another, for orjson."""


class Requests:
    """The requests of some records. Each property tells one field of an event."""

    def __init__(self, records: Sequence[Record]) -> None:
        self._records = records
        self._counts = _joined([np.full(len(record.at), record.each) for record in records])

    def row_ids(self) -> Part:
        """Ids of the rows."""
        parts = [record.row_ids for record in self._records]
        found = row_ids.runs_of(parts, _LEAST_ROWS)
        if found is not None:
            runs = _Runs(*found)
            return lambda start, end: {"requests": list(runs.between(start, end))}
        ids = row_ids.joined(parts)
        if isinstance(ids, list):
            return whole(ids)
        return lambda start, end: orjson.Fragment(row_ids.json_of(ids[start:end]))

    def timestamps(self) -> Part:
        """When it happened, as far as clients told, else when it was answered."""
        if any(record.timestamps is not None for record in self._records):
            told = (record.timestamps or _iso(np.repeat(record.at, record.each)) for record in self._records)
            return whole(list(chain.from_iterable(told)))
        times, counts = _merged(np.concatenate([record.at for record in self._records]), self._counts)
        if _are_shorter(counts):
            return _Runs(_told(times), counts.tolist()).told
        return whole(np.repeat(times.view(_MICROS), counts))

    def seconds(self) -> Part:
        """How long the requests took."""
        seconds = np.concatenate([record.seconds for record in self._records])
        if _are_shorter(self._counts):
            return _Runs(seconds, self._counts.tolist()).told
        return _packed(np.repeat(seconds, self._counts))


class _Runs:
    """Values, and how many rows in a row have each."""

    def __init__(self, values: Sequence[Any] | npt.NDArray[Any], counts: Sequence[int]) -> None:
        self._values = values
        self._counts = counts

    @cached_property
    def _ends(self) -> list[int]:
        return list(accumulate(self._counts))

    def told(self, start: int, end: int) -> dict[str, Any]:
        """See contracts.packed.Runs."""
        return {"runs": [(value, rows) for value, _, rows in self.between(start, end)]}

    def between(self, start: int, end: int) -> Iterable[tuple[Any, int, int]]:
        """Each value that some of the rows have, the first of its rows among them, and how many."""
        if start == 0 and end >= sum(self._counts):  # all of them
            return zip(self._values, repeat(0), self._counts)
        return self._some(start, end)

    def _some(self, start: int, end: int) -> Iterator[tuple[Any, int, int]]:
        at = bisect_right(self._ends, start)
        while start < end:
            stop = min(self._ends[at], end)
            yield self._values[at], start - (self._ends[at] - self._counts[at]), stop - start
            at, start = at + 1, stop


def _are_shorter(counts: npt.NDArray[np.int64]) -> bool:
    """Whether runs of so many rows are shorter than their rows."""
    return int(counts.sum()) >= _LEAST_ROWS * len(counts)


def _joined(parts: Sequence[npt.NDArray[Any]]) -> npt.NDArray[Any]:
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def _merged(values: npt.NDArray[Any], counts: npt.NDArray[np.int64]) -> tuple[npt.NDArray[Any], npt.NDArray[np.int64]]:
    """Neighbours that are the same as one: requests that are answered together have one time."""
    starts = np.flatnonzero(np.concatenate(([True], values[1:] != values[:-1])))
    return values[starts], np.add.reduceat(counts, starts)


def _told(at: npt.NDArray[np.int64]) -> list[str]:
    """Times as JSON has them: one by one they take ten times as long."""
    told: list[str] = orjson.loads(
        orjson.dumps(at.view(_MICROS), option=orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NAIVE_UTC)
    )
    return told


def _packed(numbers: npt.NDArray[np.float64]) -> Part:
    """See contracts.packed.Float64."""
    return lambda start, end: {"float64": b64encode_as_string(numbers[start:end].data)}


def whole(values: Sequence[Any] | npt.NDArray[Any]) -> Part:
    """An entry a row, as it is."""
    return lambda start, end: values[start:end]


def _iso(at: npt.NDArray[np.int64]) -> list[str]:
    texts: list[str] = np.datetime_as_string(at.view(_MICROS), unit="us").tolist()
    return [f"{text}+00:00" for text in texts]
