"""Named tensors, as every form of the V2 protocol carries them."""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from itertools import chain
from typing import Any, NamedTuple

import numpy as np

from serving.errors import InvalidRequestError, shown
from serving.predictor.column import Column
from serving.predictor.protocols.datatypes import DATATYPES, Datatype

_MOST_DIMENSIONS = 8
"""A shape of thousands has a product of as many digits, which takes its time."""


class Tensor(NamedTuple):
    """A tensor whose values were checked against its datatype and shape."""

    name: str
    datatype: str
    shape: tuple[int, ...]
    values: Column
    """Flat, row by row."""


def require_dimensions(name: str, shape: Sequence[int]) -> None:
    """InvalidRequestError if there are more than any input has."""
    if len(shape) > _MOST_DIMENSIONS:
        raise InvalidRequestError(f"Input {name!r} has {len(shape)} dimensions; expected [rows] or [rows, features].")


def from_values(name: str, datatype: str, shape: Sequence[int], data: list[Any]) -> Tensor:
    """A tensor of single values, flat or, as JSON may have them, a list a row."""
    kind = _kind(name, datatype)
    require_dimensions(name, shape)
    values = _flat(name, shape, data)
    _require_count(name, shape, len(values))
    place = _first_wrong(values, kind)
    if place is not None:
        value = shown(values[place])
        raise InvalidRequestError(
            f"Input {name!r} is {value} at position {place}; expected {kind.expected} ({datatype})."
        )
    return Tensor(name, datatype, tuple(shape), values)


def from_binary(name: str, datatype: str, shape: Sequence[int], raw: bytes) -> Tensor:
    """A tensor of little-endian bytes; text has its length, 4 bytes, before each."""
    kind = _kind(name, datatype)
    require_dimensions(name, shape)
    if kind.is_text:
        texts = _split_texts(name, raw)
        _require_count(name, shape, len(texts))
        return Tensor(name, datatype, tuple(shape), texts)
    dtype: np.dtype[Any] = np.dtype(kind.little_endian)
    expected = math.prod(shape) * dtype.itemsize
    if len(raw) != expected or min(shape, default=0) < 0:
        raise InvalidRequestError(
            f"Input {name!r} has {len(raw)} bytes; expected {expected} for {datatype} {list(shape)}."
        )
    return Tensor(name, datatype, tuple(shape), np.frombuffer(raw, dtype))


def _kind(name: str, datatype: str) -> Datatype:
    if datatype not in DATATYPES:
        raise InvalidRequestError(f"Input {name!r} has datatype {shown(datatype)}; expected one of {list(DATATYPES)}.")
    return DATATYPES[datatype]


def _flat(name: str, shape: Sequence[int], data: list[Any]) -> list[Any]:
    if len(shape) != 2 or not data or not isinstance(data[0], list):
        return data
    for row, values in enumerate(data):
        if not isinstance(values, list) or len(values) != shape[1]:
            raise InvalidRequestError(f"Row {row} of input {name!r} is {shown(values)}; expected {shape[1]} values.")
    return list(chain.from_iterable(data))


def _require_count(name: str, shape: Sequence[int], count: int) -> None:
    if min(shape, default=0) < 0 or math.prod(shape) != count:
        raise InvalidRequestError(
            f"Input {name!r} has {count} values; its shape {list(shape)} expects {math.prod(shape)}."
        )


def _first_wrong(values: list[Any], kind: Datatype) -> int | None:
    if not kind.kinds.issuperset(map(type, values)):
        return next(place for place, value in enumerate(values) if type(value) not in kind.kinds)
    if kind.limits is None:
        return None
    least, greatest = kind.limits
    outside = (place for place, value in enumerate(values) if value is not None and not least <= value <= greatest)
    return next(outside, None)


def _split_texts(name: str, raw: bytes) -> list[bytes]:
    texts, place = [], 0
    while place < len(raw):
        if place + 4 > len(raw):
            raise InvalidRequestError(f"Input {name!r} ends within a length; expected 4 bytes before each text.")
        (length,) = struct.unpack_from("<I", raw, place)
        place += 4 + length
        if place > len(raw):
            raise InvalidRequestError(f"Input {name!r} announces a text of {length} bytes and ends before that.")
        texts.append(raw[place - length : place])
    return texts
