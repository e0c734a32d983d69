"""Pieces of one table that have different types."""

from __future__ import annotations

from itertools import permutations

import pyarrow as pa
import pytest

from feature_store.sources.unify import unify


@pytest.mark.parametrize(
    ("pieces", "kind", "values"),
    [
        ([pa.array([1]), pa.array([1.5])], pa.float64(), [1.0, 1.5]),
        ([pa.array([1], pa.int16()), pa.array([2])], pa.int64(), [1, 2]),
        ([pa.nulls(1), pa.array([1]), pa.array([1.5])], pa.float64(), [None, 1.0, 1.5]),
        ([pa.nulls(1), pa.nulls(1)], pa.null(), [None, None]),
        ([pa.nulls(1), pa.array(["many"])], pa.string(), [None, "many"]),
        ([pa.array([1]), pa.array(["many"])], pa.string(), ["1", "many"]),
        ([pa.array([1.5]), pa.array(["many"]), pa.nulls(1)], pa.string(), ["1.5", "many", None]),
        ([pa.array([True]), pa.array([2])], pa.string(), ["true", "2"]),
        ([pa.array(["a"]).dictionary_encode(), pa.array(["b"])], pa.string(), ["a", "b"]),
        ([pa.array([2**60 + 1]), pa.array([0.5])], pa.float64(), [float(2**60), 0.5]),
    ],
)
def test_common_type(pieces: list[pa.Array], kind: pa.DataType, values: list[object]) -> None:
    """The type that holds all pieces, or text, whatever their order; no row is lost."""
    for order in permutations(range(len(pieces))):
        found = unify([pa.table({"other": ["x"], "x": pieces[place]}) for place in order])

        assert found.column_names == ["other", "x"]
        assert (found["x"].type, found["x"].to_pylist()) == (kind, [values[place] for place in order])
