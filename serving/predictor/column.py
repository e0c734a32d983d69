"""One feature's values, and what may be wrong with them. InvalidRequestError names the value."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from contracts.model import Feature
from serving.errors import InvalidRequestError, shown
from serving.predictor.layout import are_positions

Column = Sequence[Any] | npt.NDArray[Any]
"""A value a row: numbers, booleans, text, or None for a missing one."""
_NUMBERS = frozenset({int, float, bool, type(None)})
_TEXTS = frozenset({str, bytes, type(None)})


def require_kind(feature: Feature, column: Column) -> None:
    """Whether its values are of the feature's kind: numbers, or text where it has categories."""
    numeric = feature.categories is None
    if isinstance(column, np.ndarray):
        if (column.dtype.kind in "biuf") != numeric:
            raise _wrong_kind(feature, column[0], 0)
        return
    allowed = _NUMBERS if numeric else _TEXTS
    if not allowed.issuperset(map(type, column)):
        row = next(row for row, value in enumerate(column) if type(value) not in allowed)
        raise _wrong_kind(feature, column[row], row)


def _wrong_kind(feature: Feature, value: object, row: int) -> InvalidRequestError:
    numeric = feature.categories is None
    expected = "a number" if numeric else f"text, one of {shown(list(feature.categories or ()))}"
    return refusal(feature, value, row, expected)


def require_positions(feature: Feature, column: npt.NDArray[np.float32], count: int) -> None:
    """Whether each is the position of one of the feature's so many categories, or NaN."""
    right = are_positions(column, count)
    if not right.all():
        row = int(np.argmin(right))
        expected = f"the position of a category, 0 to {count - 1}, or NaN for none of them"
        raise refusal(feature, column[row], row, expected)


def refusal(feature: Feature, value: object, row: int, expected: str) -> InvalidRequestError:
    """The error of one value."""
    value = value.item() if isinstance(value, np.generic) else value
    return InvalidRequestError(f"Feature {feature.name!r} is {shown(value)} in row {row}; expected {expected}.")
