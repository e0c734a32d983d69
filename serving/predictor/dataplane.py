"""The data plane: columns or a matrix in, probabilities and labels out, whatever the protocol around it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from contracts.model import ModelCard
from feature_store.matrix import Matrix, encode
from serving.errors import InvalidRequestError, TooLargeError, shown
from serving.predictor.classifier import ServedClassifier
from serving.predictor.column import Column, refusal, require_kind, require_positions
from serving.predictor.layout import Layout

_NAN = float("nan")
_REALS = frozenset({int, float})
_REALS_OR_NONE = _REALS | {type(None)}


class Prediction(NamedTuple):
    """The answer for each row."""

    probabilities: Matrix
    """float32 [rows, outputs], in the order of the card's outputs. Of a regression [rows, 1]: the predicted numbers."""
    labels: tuple[str, ...] | None
    """The most probable label of each row; of equals the first. None: a regression has none."""


@dataclass(frozen=True, eq=False)
class DataPlane:
    """One model with its name, its version and its bounds. Equal to itself alone, so things may be kept by it."""

    name: str
    version: str
    card: ModelCard
    classifier: ServedClassifier
    max_rows: int

    @cached_property
    def layout(self) -> Layout:
        """What the features ask of every request."""
        return Layout(self.card.features)

    @cached_property
    def _labels(self) -> npt.NDArray[Any]:
        return np.array(self.card.labels, dtype=object)

    @property
    def feature_names(self) -> list[str]:
        """Names of the features, in the order of the matrix."""
        return self.layout.names

    def from_row(self, values: Sequence[Any]) -> Matrix | None:
        """What `from_columns` makes of one row, its values in the order of the features: plain ones of the right types.

        None for any value that takes more thought; `from_columns` says then what is wrong with it, if anything is.
        """
        matrix = self.layout.row.encode(values)
        return matrix if matrix is None or self.classifier.accepts_missing or np.isfinite(matrix).all() else None

    def from_values(self, values: list[Any], rows: int) -> Matrix | None:
        """What `from_matrix` makes of so many rows of ints, floats and None, finite and flat; None like `from_row`."""
        if len(values) != rows * self.layout.width or not 0 < rows <= self.max_rows:
            return None
        kinds = set(map(type, values))
        if not _REALS.issuperset(kinds):
            if not (self.classifier.accepts_missing and _REALS_OR_NONE.issuperset(kinds)):
                return None
            values = [_NAN if value is None else value for value in values]
        return self.layout.matrix_of(values, rows)

    def from_columns(self, columns: Mapping[str, Column]) -> Matrix:
        """The matrix [rows, features] of one column a feature. InvalidRequestError names the value that is wrong."""
        self._require_names(columns)
        self._require_rows(columns)
        for feature in self.card.features:
            require_kind(feature, columns[feature.name])
        return self.from_typed(columns)

    def from_typed(self, columns: Mapping[str, Column]) -> Matrix:
        """The same of columns that are the features', of one length and of values of the right types."""
        self._bound(len(columns[self.layout.names[0]]))
        return self._checked(encode(columns, self.card.features), lambda row, name: columns[name][row])

    def from_matrix(self, values: npt.NDArray[np.floating[Any]]) -> Matrix:
        """The matrix of values [rows, features] encoded already: a category is its position, NaN is missing."""
        if values.ndim != 2 or values.shape[1] != self.layout.width:
            raise InvalidRequestError(
                f"The matrix has shape {list(values.shape)}; expected [rows, {len(self.card.features)}]:"
                f" one column for each of {self.feature_names}."
            )
        self._bound(len(values))
        with np.errstate(over="ignore"):  # too large a number becomes infinite, which is refused below with its name
            matrix = np.array(values, dtype=np.float32, order="C")  # a copy, for what came may be bytes of the request
        for place, count in self.layout.counts:
            require_positions(self.card.features[place], matrix[:, place], count)
        return self._checked(matrix, lambda row, name: values[row, self.layout.places[name]])

    def predict(self, matrix: Matrix) -> Prediction:
        """Probabilities and labels of an encoded matrix."""
        probabilities = self.classifier.probabilities(matrix)
        if self.card.task == "regression":
            return Prediction(probabilities, None)
        best = probabilities.argmax(axis=1)
        return Prediction(probabilities, tuple(self._labels.take(best).tolist()))

    def _require_names(self, columns: Mapping[str, Column]) -> None:
        names = self.layout.names
        if columns.keys() == self.layout.places.keys():
            return
        for name in names:
            if name not in columns:
                raise InvalidRequestError(f"Feature {name!r} is missing from the request; expected {names}.")
        unknown = next(name for name in columns if name not in names)
        raise InvalidRequestError(f"Unknown feature {shown(unknown)}; expected {names}.")

    def _require_rows(self, columns: Mapping[str, Column]) -> None:
        first, *others = self.layout.names
        rows = len(columns[first])
        for name in others:
            if len(columns[name]) != rows:
                raise InvalidRequestError(
                    f"Feature {name!r} has {len(columns[name])} rows; expected {rows}, as many as {first!r} has."
                )
        self._bound(rows)  # before the values are looked at

    def _bound(self, rows: int) -> None:
        if rows == 0:
            raise InvalidRequestError("The request has no rows; expected at least one.")
        if rows > self.max_rows:
            raise TooLargeError(
                f"The request has {rows} rows; expected at most {self.max_rows}.", "Send several requests."
            )

    def _checked(self, matrix: Matrix, sent: Callable[[int, str], object]) -> Matrix:
        """The matrix, if the model can take each of its values. `sent` gives back a value as the client wrote it."""
        if np.isfinite(matrix).all():
            return matrix
        refused = np.isinf(matrix) if self.classifier.accepts_missing else ~np.isfinite(matrix)
        if not refused.any():
            return matrix
        row, index = (int(part) for part in np.argwhere(refused)[0])
        feature = self.card.features[index]
        if feature.categories is not None:
            expected = f"one of {shown(list(feature.categories))}: this model takes no missing value"
        elif np.isinf(matrix[row, index]):
            expected = "a finite number within the range of FP32"
        else:
            expected = "a number: this model takes no missing value"
        raise refusal(feature, sent(row, feature.name), row, expected)
