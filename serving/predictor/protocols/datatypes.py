"""The tensor datatypes of the V2 protocol: what JSON and protobuf values they take, and their bytes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

_MISSING = type(None)


@dataclass(frozen=True)
class Datatype:
    """One datatype."""

    kinds: frozenset[type]
    """Types of single values. None is a missing one."""
    expected: str
    """The kinds in words."""
    little_endian: npt.DTypeLike | None
    """The layout of the binary form; None: text, each with its length before it."""
    limits: tuple[int, int] | None = None
    """Least and greatest whole number."""

    @cached_property
    def is_text(self) -> bool:
        """Whether the values are text."""
        return self.little_endian is None

    def are_within(self, values: list[Any]) -> bool:
        """Whether whole numbers are within the limits; False if one is missing among others, for it is not compared."""
        if self.limits is None or values == [None]:
            return True
        return None not in values and self.limits[0] <= min(values) and max(values) <= self.limits[1]


def _whole(name: str) -> Datatype:
    dtype: np.dtype[Any] = np.dtype(name.lower()).newbyteorder("<")
    limits = (int(np.iinfo(dtype).min), int(np.iinfo(dtype).max))
    return Datatype(frozenset({int, _MISSING}), f"a whole number from {limits[0]} to {limits[1]}", dtype, limits)


def _real(size: int) -> Datatype:
    return Datatype(frozenset({int, float, _MISSING}), "a number", f"<f{size}")


DATATYPES: dict[str, Datatype] = {
    "BOOL": Datatype(frozenset({bool, _MISSING}), "true or false", "?"),
    **{name: _whole(name) for name in ("INT8", "INT16", "INT32", "INT64", "UINT8", "UINT16", "UINT32", "UINT64")},
    "FP16": _real(2),
    "FP32": _real(4),
    "FP64": _real(8),
    "BYTES": Datatype(frozenset({str, bytes, _MISSING}), "text", None),
}
"""By name, each datatype a model's input may have."""
