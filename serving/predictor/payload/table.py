"""The rows of some records, column by column, as a payload event has them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson

from contracts.model import Feature
from feature_store.matrix import Matrix
from serving.predictor.payload import row_ids
from serving.predictor.payload.record import Record
from serving.predictor.payload.schema import Schema

MAX_TEXT = 1024
"""Characters of a text that is logged; the rest is cut off."""
NO_NUMBER = "The model's probability is not a number."
_Values = list[Any] | npt.NDArray[Any]


class Table:
    """Every field is a list or an array with an entry a row. What can stays an array, which orjson writes by itself."""

    def __init__(self, schema: Schema, records: Sequence[Record]) -> None:
        self.rows = sum(record.rows for record in records)
        self._row_ids = row_ids.joined([record.row_ids for record in records])
        self._timestamps = _timestamps(records)
        self._columns = dict(zip((feature.name for feature in schema.features), _columns(schema, records), strict=True))
        scores = np.concatenate([_scores(schema, record) for record in records])
        wrong = np.isnan(scores).any(axis=1)
        scores = np.where(wrong[:, None], np.float32(np.nan), scores.clip(0, 1))
        self._scores = dict(zip(schema.labels, np.ascontiguousarray(scores.T), strict=True))
        self._seconds = np.concatenate([record.seconds for record in records])
        self._errors = _errors(records, wrong)

    def row_id(self, row: int) -> str:
        """The id of one row."""
        return row_ids.texts_of(self._row_ids[row : row + 1])[0]

    def fields(self, start: int, end: int) -> dict[str, Any]:
        """The fields of a Payload that have an entry a row, of these rows, for orjson."""
        ids = self._row_ids[start:end]
        return {
            "row_ids": ids if isinstance(ids, list) else orjson.Fragment(row_ids.json_of(ids)),
            "timestamps": self._timestamps[start:end],
            "columns": {name: values[start:end] for name, values in self._columns.items()},
            "scores": {label: values[start:end] for label, values in self._scores.items()},
            "seconds": self._seconds[start:end],
            "errors": self._errors[start:end],
        }


def _flat(lists: Iterable[list[Any]]) -> list[Any]:
    return list(chain.from_iterable(lists))


def _timestamps(records: Sequence[Record]) -> _Values:
    if all(record.timestamps is None for record in records):
        return np.concatenate([record.at for record in records]).view("datetime64[us]")
    return _flat(record.timestamps or _iso(record.at) for record in records)


def _iso(at: npt.NDArray[np.int64]) -> list[str]:
    texts: list[str] = np.datetime_as_string(at.view("datetime64[us]"), unit="us").tolist()
    return [f"{text}+00:00" for text in texts]


def _columns(schema: Schema, records: Sequence[Record]) -> list[_Values]:
    """A list or array a feature: as the client sent it, a category as its text."""
    if all(record.matrix is not None for record in records):
        matrix = np.concatenate([record.matrix for record in records if record.matrix is not None])
        return _named(schema.features, matrix)
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


def _named(features: Sequence[Feature], matrix: Matrix) -> list[_Values]:
    columns = np.ascontiguousarray(matrix.T)
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
        orjson.dumps(_named(schema.features, matrix), option=orjson.OPT_SERIALIZE_NUMPY)
    )
    return columns


def _scores(schema: Schema, record: Record) -> Matrix:
    """Of a row for which the model failed, NaN."""
    if record.probabilities is None:
        return np.full((record.rows, len(schema.labels)), np.nan, dtype=np.float32)
    return record.probabilities


def _errors(records: Sequence[Record], wrong: npt.NDArray[np.bool_]) -> list[str | None]:
    if not wrong.any():
        return [None] * len(wrong)
    told = _flat(record.errors or [None] * record.rows for record in records)
    return [(error or NO_NUMBER)[:MAX_TEXT] if failed else None for error, failed in zip(told, wrong, strict=True)]
