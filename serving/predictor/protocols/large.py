"""The fast lane of large matrices in JSON: simdjson writes the numbers into an array, and no Python object is made.

The JSON that it takes and orjson does not, and keys that are there twice, are left to the general way.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import simdjson

from serving.predictor.dataplane import DataPlane
from serving.predictor.rows import UNTOLD, Rows

LARGE_BYTES = 2048
"""From here on simdjson is the faster one; its parser takes some microseconds to set up."""
_KEYS = (["id", "inputs"], ["inputs"])
_FIELDS = ["data", "datatype", "name", "shape"]


def rows_of(body: bytes, plane: DataPlane) -> Rows | None:
    """The rows of a request whose one input is the matrix, all of numbers; None for any other. Errors like `Rows`."""
    if not body.startswith(b"{") or b"\\" in body:
        return None
    try:
        request: Any = simdjson.Parser().parse(body)  # its types do not know which kind of element a key has
        (entry,) = request["inputs"]
        if sorted(request.keys()) not in _KEYS or sorted(entry.keys()) != _FIELDS:
            return None
        identity = request.get("id")
        name, shape = entry["name"], entry["shape"].as_list()
        values = _numbers(entry["data"], shape, body)
        beside = name in plane.layout.places or name in plane.layout.beside
        if type(name) is not str or beside or entry["datatype"] not in ("FP32", "FP64"):
            return None
    except (ValueError, TypeError, KeyError, AttributeError, RuntimeError):  # no JSON, too deep, or not of this form
        return None
    if values is None or not (identity is None or type(identity) is str):
        return None
    return Rows(plane.from_matrix(values), None, UNTOLD, identity)


def _numbers(data: Any, shape: list[Any], body: bytes) -> np.ndarray[Any, np.dtype[np.float64]] | None:
    """The matrix [rows, features]; None unless it is a list of as many numbers as the shape tells, or of such rows."""
    rows, width = shape
    if type(rows) is not int or type(width) is not int or rows <= 0:
        return None
    lists = body.count(b"[") - 3  # beyond inputs, shape and data; one in a text makes it one too many, which is safe
    if not (len(data) == rows * width if lists == 0 else lists == rows and set(map(len, data)) == {width}):
        return None
    values = np.frombuffer(data.as_buffer(of_type="d"))
    return values.reshape(rows, width) if len(values) == rows * width else None
