"""Two engines of one model: its fast form where that is faster, the native one for the rest and for near ties."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from contracts.fast import NEAR_TIE, FastModel
from contracts.formats import Classifier
from contracts.model import FastForm


class Chosen:
    """Chosen by the number of rows. A label is always the native one: where two are almost as probable, it is asked."""

    def __init__(self, fast: FastModel, form: FastForm, native: Classifier, outputs: int) -> None:
        self._fast = fast.probabilities
        self._native = native.probabilities
        self._fast_rows = form.native_above if form.native_above is not None else float("inf")
        # A number has no ties, and a form that gave the same bits on thousands of rows has the same ties.
        self._has_ties = outputs > 1 and form.greatest_difference > 0

    def probabilities(self, matrix: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """See Classifier."""
        if len(matrix) > self._fast_rows:
            return self._native(matrix)
        found = self._fast(matrix)
        if not self._has_ties:
            return found
        if len(found) == 1:
            *_, second, best = sorted(found[0].tolist())
            return found if best - second > NEAR_TIE else self._native(matrix)
        best_two = np.partition(found, -2, axis=1)[:, -2:]
        ties = best_two[:, 1] - best_two[:, 0] <= NEAR_TIE
        if ties.any():
            found[ties] = self._native(matrix[ties])
        return found
