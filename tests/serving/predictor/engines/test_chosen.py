"""Which of two engines answers."""

from __future__ import annotations

import numpy as np
import pytest

from components.fast_form.graph import Graph
from contracts.fast import FastModel
from contracts.model import FastForm
from feature_store.matrix import Matrix
from serving.predictor.engines.chosen import Chosen


class Native:
    """Answers the rows themselves, the first label a little more probable, and remembers how many it was asked."""

    def __init__(self) -> None:
        self.asked: list[int] = []

    def probabilities(self, matrix: Matrix) -> Matrix:
        """See Classifier."""
        self.asked.append(len(matrix))
        return matrix + np.array([2e-6, *[0] * (matrix.shape[1] - 1)], np.float32)


def chosen(native: Native, outputs: int = 2, difference: float = 1e-7, above: int | None = 4) -> Chosen:
    """Over a fast form that answers the rows as they are."""
    graph = Graph(outputs)
    body = graph.ending(graph.add("Identity", graph.rows)).to_bytes(outputs)
    form = FastForm(
        file="model.onnx",
        runtime="any",
        rows=1,
        greatest_difference=difference,
        accepts_missing=True,
        native_above=above,
    )
    return Chosen(FastModel(body), form, native, outputs)


@pytest.mark.parametrize(("rows", "asked"), [(1, []), (4, []), (5, [5])])
def test_by_the_number_of_rows(rows: int, asked: list[int]) -> None:
    """Few rows go to the fast form, many to the native engine."""
    native = Native()
    chosen(native).probabilities(np.tile(np.array([[0.2, 0.8]], np.float32), (rows, 1)))
    assert native.asked == asked


@pytest.mark.parametrize(
    ("rows", "asked"),
    [
        ([[0.4999999, 0.5000001]], [1]),
        ([[0.49999, 0.50001]], []),
        ([[0.1, 0.9], [0.5, 0.5], [0.9, 0.1], [0.5, 0.49999994]], [2]),
        ([[0.4, 0.2, 0.4]], [1]),
        ([[0.2, 0.2, 0.6], [0.3, 0.3, 0.4]], []),
        ([[0.2, 0.2, 0.6], [0.4, 0.4, 0.2]], [1]),
    ],
)
def test_near_ties_are_the_native_engines(rows: list[list[float]], asked: list[int]) -> None:
    """Rows whose best two labels are within a millionth, and only those, are answered by the native engine."""
    native, matrix = Native(), np.array(rows, np.float32)
    found = chosen(native, matrix.shape[1]).probabilities(matrix)
    assert native.asked == asked
    if asked:
        tied = (found != matrix).any(axis=1)
        assert tied.sum() == asked[0]
        assert (found[tied].argmax(axis=1) == 0).all()


def test_a_form_of_the_same_bits_decides_ties_itself() -> None:
    """One that never differed has the same ties, and a number has none."""
    native = Native()
    chosen(native, difference=0).probabilities(np.array([[0.5, 0.5]], np.float32))
    chosen(native, outputs=1).probabilities(np.array([[0.5], [0.5]], np.float32))
    assert native.asked == []


def test_a_form_that_is_always_faster() -> None:
    """Without a bound the fast form answers any number of rows."""
    native = Native()
    chosen(native, above=None).probabilities(np.tile(np.array([[0.2, 0.8]], np.float32), (5000, 1)))
    assert native.asked == []
