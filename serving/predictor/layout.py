"""What a model's features ask of every request, worked out once a model."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from contracts.model import Feature
from feature_store.contract import EVENT_TIME, ROW_ID
from feature_store.matrix import Matrix, RowEncoder


class Layout:
    """The features in the order of the matrix."""

    def __init__(self, features: Sequence[Feature]) -> None:
        self.names = [feature.name for feature in features]
        self.features = {feature.name: feature for feature in features}
        self.places = {name: place for place, name in enumerate(self.names)}
        self.width = len(self.names)
        self.beside = tuple(name for name in (ROW_ID, EVENT_TIME) if name not in self.features)
        """Names of the columns of identity. A model that has a feature of such a name keeps it as its feature."""
        self.are_texts = [feature.categories is not None for feature in features]
        self.row = RowEncoder(features)
        self.counts = [
            (place, len(feature.categories)) for place, feature in enumerate(features) if feature.categories is not None
        ]
        """Place and number of categories of each feature that has some."""
        self._pack_row = struct.Struct(f"={self.width}f").pack

    def matrix_of(self, values: list[Any], rows: int) -> Matrix | None:
        """The matrix of flat values, each an int or float; None if one is beyond FP32, or not its category's position.

        NaN is missing; it is up to the caller to know that none is infinite.
        """
        try:
            packed = self._pack_row(*values) if rows == 1 else struct.pack(f"={len(values)}f", *values)
        except OverflowError:
            return None
        matrix = np.ndarray((rows, self.width), np.float32, bytearray(packed))
        return matrix if self._has_positions(values, matrix) else None

    def _has_positions(self, values: list[Any], matrix: Matrix) -> bool:
        if len(matrix) > 1:
            return all(are_positions(matrix[:, place], count).all() for place, count in self.counts)
        for place, count in self.counts:  # a row by NumPy would take ten times as long
            value = values[place]
            if value == value and not (0 <= value < count and value == int(value)):
                return False
        return True


def are_positions(column: npt.NDArray[np.float32], count: int) -> npt.NDArray[np.bool_]:
    """Whether each value is the position of one of so many categories, or NaN for none of them."""
    right: npt.NDArray[np.bool_] = (column >= 0) & (column < count) & (column == np.floor(column))
    return right | np.isnan(column)
