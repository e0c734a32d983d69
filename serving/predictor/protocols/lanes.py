"""Fast lanes: what nearly every client sends, recognised by cheap checks, straight to its matrix.

A lane gives None for anything else, wrong or merely unusual: the general way reads it then, and words what is wrong.
"""

from __future__ import annotations

from itertools import chain
from operator import itemgetter
from typing import Any

from serving.predictor.dataplane import DataPlane
from serving.predictor.protocols.datatypes import DATATYPES
from serving.predictor.protocols.identity import identity_of
from serving.predictor.rows import UNTOLD, Rows

_FIELDS = itemgetter("name", "datatype", "shape", "data")
_REAL = frozenset({"FP32", "FP64"})


def rows_of(inputs: Any, plane: DataPlane, request_id: str | None) -> Rows | None:
    """The rows of the inputs of a JSON request: one matrix, or one tensor a feature."""
    if type(inputs) is not list:
        return None
    try:
        return _matrix(inputs[0], plane, request_id) if len(inputs) == 1 else _columns(inputs, plane, request_id)
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


def _columns(inputs: list[Any], plane: DataPlane, request_id: str | None) -> Rows | None:
    layout, rows = plane.layout, len(inputs[0]["data"])
    shapes = ([rows], [rows, 1])
    columns: dict[str, list[Any]] = {}
    for entry in inputs:
        name, datatype, shape, data = _FIELDS(entry)
        kind = DATATYPES[datatype]
        place = layout.places.get(name)
        if not (
            len(entry) == 4
            and type(data) is list
            and len(data) == rows
            and (type(data[0]) in kind.kinds if rows == 1 else kind.kinds.issuperset(map(type, data)))
            and (kind.limits is None or kind.are_within(data))
            and type(shape) is list
            and shape in shapes
            and type(shape[0]) is type(shape[-1]) is int
            and (kind.is_text if place is None else kind.is_text == layout.are_texts[place])
            and name not in columns
        ):
            return None
        columns[name] = data
    told = {name: columns.pop(name) for name in layout.beside if name in columns}
    if columns.keys() != layout.places.keys():
        return None
    ordered = [columns[name] for name in layout.names]
    matrix = plane.from_row([column[0] for column in ordered]) if rows == 1 else plane.from_typed(columns)
    return None if matrix is None else Rows(matrix, ordered, identity_of(told, rows), request_id)
