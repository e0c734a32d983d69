"""Fast lanes: what nearly every client sends, recognised by cheap checks, straight to its matrix.

A lane gives None for anything else, wrong or merely unusual: the general way reads it then, and words what is wrong.
"""

from __future__ import annotations

from itertools import chain
from operator import itemgetter
from typing import Any

from serving.predictor.column import Column
from serving.predictor.dataplane import DataPlane
from serving.predictor.protocols.datatypes import DATATYPES
from serving.predictor.protocols.identity import identity_of
from serving.predictor.rows import UNTOLD, Rows

_FIELDS = itemgetter("name", "datatype", "shape", "data")
_REAL = frozenset({"FP32", "FP64"})
_SHAPES = ([1], [1, 1])


def rows_of(inputs: Any, plane: DataPlane, request_id: str | None) -> Rows | None:
    """The rows of the inputs of a JSON request: one matrix, or one row of a tensor a feature."""
    if type(inputs) is not list:
        return None
    try:
        return _matrix(inputs[0], plane, request_id) if len(inputs) == 1 else _row(inputs, plane, request_id)
    except (LookupError, TypeError, ValueError):  # a field that is missing, or of another kind than its lane thinks
        return None


def _matrix(entry: Any, plane: DataPlane, request_id: str | None) -> Rows | None:
    name, datatype, shape, data = _FIELDS(entry)
    rows, width = shape
    layout = plane.layout
    if not (
        len(entry) == 4
        and type(name) is str
        and name not in layout.places
        and name not in layout.beside
        and datatype in _REAL
        and type(shape) is type(data) is list
        and type(rows) is type(width) is int
        and width == layout.width
    ):
        return None
    values = _joined(data, rows, width) if type(data[0]) is list else data
    matrix = None if values is None else plane.from_values(values, rows)
    return None if matrix is None else Rows(matrix, None, UNTOLD, request_id)


def _joined(data: list[Any], rows: int, width: int) -> list[Any] | None:
    """The values of a list a row; None unless the lists are as many and as long as the shape tells."""
    if len(data) != rows:
        return None
    if rows == 1:
        return data[0]  # type: ignore[no-any-return]
    if any(type(row) is not list or len(row) != width for row in data):
        return None
    return list(chain.from_iterable(data))


def _row(inputs: list[Any], plane: DataPlane, request_id: str | None) -> Rows | None:
    places, are_texts = plane.layout.places, plane.layout.are_texts
    columns: list[Any] = [None] * len(places)
    told: dict[str, Column] = {}
    for entry in inputs:
        name, datatype, shape, data = _FIELDS(entry)
        (value,) = data
        kind = DATATYPES[datatype]
        if not (
            len(entry) == 4
            and type(data) is list
            and type(value) in kind.kinds
            and (kind.limits is None or value is None or kind.limits[0] <= value <= kind.limits[1])
            and type(shape) is list
            and shape in _SHAPES
            and type(shape[0]) is type(shape[-1]) is int
        ):
            return None
        place = places.get(name)
        if place is not None and are_texts[place] == kind.is_text:
            columns[place] = data
        elif kind.is_text and name in plane.layout.beside and name not in told:
            told[name] = data
        else:
            return None
    if len(inputs) != len(places) + len(told) or None in columns:  # a feature is missing, or there twice
        return None
    matrix = plane.from_row([column[0] for column in columns])
    return None if matrix is None else Rows(matrix, columns, identity_of(told, 1), request_id)
