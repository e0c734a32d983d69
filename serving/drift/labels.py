"""The rows of a window whose labels are known, as arrays."""

from __future__ import annotations

import logging
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from contracts.errors import DataError
from serving.drift.reference import SCORE

LABEL = "label"
"""Column of a labelled window: the class name."""

_log = logging.getLogger(__name__)


class Labelled(NamedTuple):
    """Rows with a label and a score. Both of shape [rows]."""

    labels: npt.NDArray[np.int8]
    """1 for the last class."""
    scores: npt.NDArray[np.float64]


def labelled(window: pa.Table, classes: tuple[str, ...]) -> Labelled:
    """Rows that have a label that is a class, and a score that is a number; other labels are told in the log.

    DataError: there is no column of labels, or of scores.
    """
    for name in (LABEL, SCORE):
        if name not in window.column_names:
            raise DataError(f"Column {name!r} of the window is missing.", f"Columns there: {window.column_names}.")
    names = _text(window.column(LABEL))
    places = pc.index_in(names, value_set=pa.array(classes, pa.string()))
    unknown = places.null_count - names.null_count
    if unknown:
        _log.warning("%d labels of a window are none of the classes %s: they are left out", unknown, classes)
    scores = window.column(SCORE).cast(pa.float64()).to_numpy()
    known = places.is_valid().to_numpy() & np.isfinite(scores)
    is_last = pc.equal(places, len(classes) - 1).fill_null(False).to_numpy()
    return Labelled(is_last[known].astype(np.int8), scores[known])


def _text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    try:
        return column.cast(pa.string())
    except pa.ArrowException as error:
        raise DataError(f"Column {LABEL!r} of the window is of type {column.type}; it must hold text.") from error
