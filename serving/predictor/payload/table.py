"""The rows of some records, column by column, as a payload event has them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson
from pybase64 import b64encode

from contracts.model import Feature
from feature_store.matrix import Matrix
from serving.predictor.payload.record import Record
from serving.predictor.payload.requests import Part, Requests, whole
from serving.predictor.payload.schema import Schema

MAX_TEXT = 1024
"""Characters of a text that is logged; the rest is cut off."""
NO_NUMBER = "The model's probability is not a number."
_Values = list[Any] | npt.NDArray[Any]


class Table:
    """Every field in the form that is written the fastest: many numbers are the base64 of their bytes."""

    def __init__(self, schema: Schema, records: Sequence[Record]) -> None:
        self.rows = sum(record.rows for record in records)
        requests = Requests(records)
        scores, wrong = _scores(schema, records)
        self._row_ids, self._timestamps, self._seconds = requests.row_ids(), requests.timestamps(), requests.seconds()
        self._errors = _errors(records, wrong)
        self._columns = _parts([feature.name for feature in schema.features], _columns(schema, records))
        self._scores = _parts(schema.labels, scores)

    def told(self, start: int, end: int) -> dict[str, Any]:
        """What a Payload tells of these rows besides their numbers, for orjson."""
        return {
            "row_ids": self._row_ids(start, end),
            "timestamps": self._timestamps(start, end),
            "seconds": self._seconds(start, end),
            "errors": self._errors(start, end),
        }

    def numbers(self, start: int, end: int) -> Iterator[bytes]:
        """Features and scores of these rows: two fields in pieces of JSON, which are too large to be copied often."""
        yield b'"columns":{'
        yield from _fields(self._columns, start, end)
        yield b'},"scores":{'
        yield from _fields(self._scores, start, end)
        yield b"}"


_Written = Callable[[int, int], Iterable[bytes]]
"""The entries of the rows from one to another, as pieces of JSON."""


def _parts(names: Sequence[str], values: Iterable[_Values]) -> list[tuple[bytes, _Written]]:
    """Each name and its values, as they are written."""
    return [
        (orjson.dumps(name) + b":", _plain(each) if isinstance(each, list) else _packed(each))
        for name, each in zip(names, values, strict=True)
    ]


def _fields(parts: Sequence[tuple[bytes, _Written]], start: int, end: int) -> Iterator[bytes]:
    comma = b""
    for name, written in parts:
        yield comma
        yield name
        yield from written(start, end)
        comma = b","


def _plain(values: list[Any]) -> _Written:
    return lambda start, end: (orjson.dumps(values[start:end]),)


def _packed(numbers: npt.NDArray[np.float32]) -> _Written:
    """See contracts.packed.Float32; base64 needs no escapes."""
    return lambda start, end: (b'{"float32":"', b64encode(numbers[start:end].data), b'"}')


def _flat(lists: Iterable[list[Any]]) -> list[Any]:
    return list(chain.from_iterable(lists))


def _columns(schema: Schema, records: Sequence[Record]) -> list[_Values]:
    """A list or array a feature: as the client sent it, a category as its text."""
    if all(record.matrix is not None for record in records):
        return _named(schema.features, _transposed([record.matrix for record in records if record.matrix is not None]))
    parts = [record.columns if record.matrix is None else _decimals(schema, record.matrix) for record in records]
    joined = [_flat(part[at] for part in parts if part is not None) for at in range(len(schema.features))]
    return [
        values if feature.categories is None else _cut(values)
        for values, feature in zip(joined, schema.features, strict=True)
    ]


def _cut(texts: list[str | None]) -> list[str | None]:
    if max(map(len, filter(None, texts)), default=0) <= MAX_TEXT:
        return texts
    return [text if text is None else text[:MAX_TEXT] for text in texts]


def _transposed(matrices: Sequence[Matrix]) -> Matrix:
    """The columns of all, each in one piece of memory."""
    columns = np.empty((matrices[0].shape[1], sum(map(len, matrices))), "<f4")
    start = 0
    for matrix in matrices:
        columns[:, start : start + len(matrix)] = matrix.T
        start += len(matrix)
    return columns


def _named(features: Sequence[Feature], columns: Matrix) -> list[_Values]:
    return [
        values if feature.categories is None else _texts(feature.categories, values)
        for values, feature in zip(columns, features, strict=True)
    ]


def _texts(categories: Sequence[str], positions: npt.NDArray[np.float32]) -> list[str | None]:
    known = np.array([*categories, None], dtype=object)
    places = np.where(np.isnan(positions), len(categories), positions).astype(np.intp)
    texts: list[str | None] = known[places].tolist()
    return texts


def _decimals(schema: Schema, matrix: Matrix) -> list[list[Any]]:
    """The columns of a matrix as JSON would have them, where they stand beside columns that were sent as such."""
    columns: list[list[Any]] = orjson.loads(
        orjson.dumps(_named(schema.features, _transposed([matrix])), option=orjson.OPT_SERIALIZE_NUMPY)
    )
    return columns


def _scores(schema: Schema, records: Sequence[Record]) -> tuple[Matrix, npt.NDArray[np.bool_] | None]:
    """A row of probabilities a label, and which rows have none, as the model failed; None if all have some."""
    scores = _transposed([_answers(schema, record) for record in records])
    if scores.min() >= 0 and scores.max() <= 1:  # of NaN this is false
        return scores, None
    wrong = np.isnan(scores)
    np.clip(scores, 0, 1, out=scores)
    if not wrong.any():
        return scores, None
    rows: npt.NDArray[np.bool_] = np.logical_or.reduce(wrong)
    scores[:, rows] = np.nan
    return scores, rows


def _answers(schema: Schema, record: Record) -> Matrix:
    """Of a row for which the model failed, NaN."""
    if record.probabilities is None:
        return np.full((record.rows, len(schema.labels)), np.nan, dtype=np.float32)
    return record.probabilities


def _errors(records: Sequence[Record], wrong: npt.NDArray[np.bool_] | None) -> Part:
    if wrong is None:
        return lambda start, end: {"runs": [[None, end - start]]}
    told = _flat(record.errors or [None] * record.rows for record in records)
    return whole([(error or NO_NUMBER)[:MAX_TEXT] if bad else None for error, bad in zip(told, wrong, strict=True)])
