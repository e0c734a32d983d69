"""The one encoding of training and serving."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.errors import DataError
from contracts.model import Feature
from feature_store.matrix import RowEncoder, encode, feature_types

CARRIER = Feature(name="carrier", categories=("AA", "UA", "nan", "None", "1", "1.0", "True", "naïve", ""))
DISTANCE = Feature(name="distance")

# Without NUL: pandas takes "" and "\x00" for one category when it makes a categorical Series.
WORDS = st.text(st.characters(exclude_characters="\x00", codec="utf-8"), max_size=3)
TEXTS = st.none() | st.sampled_from([*(CARRIER.categories or ()), "ZZ"]) | WORDS
NUMBERS = st.none() | st.floats() | st.integers(-(2**70), 2**70) | st.booleans()
ANYTHING = TEXTS | NUMBERS | st.binary(max_size=3) | st.sampled_from([b"AA", "naïve".encode()])


def equal(one: Any, other: Any, feature: Feature) -> None:
    """Two forms of a column are the same matrix, bit for bit."""
    first, second = encode({feature.name: one}, [feature]), encode({feature.name: other}, [feature])
    assert first.dtype == second.dtype == np.float32
    np.testing.assert_array_equal(first, second, strict=True)


def test_matrix_has_the_order_of_the_features() -> None:
    """Columns come in the order of the features, whatever else the rows hold and in whatever order."""
    columns = {"distance": [100, 2.5], "other": ["x", "y"], "carrier": ["UA", "AA"]}

    found = encode(columns, [CARRIER, DISTANCE])

    assert found.tolist() == [[1.0, 100.0], [0.0, 2.5]]
    assert found.dtype == np.float32
    assert feature_types([CARRIER, DISTANCE]) == ["c", "q"]


@pytest.mark.parametrize("value", ["ZZ", "aa", "AA ", None, float("nan"), np.float32("nan"), 7, b"ZZ", b"\xff"])
def test_unknown_category_is_missing(value: object) -> None:
    """An unknown or missing category is NaN, never the position of another, even where its text is a category."""
    assert np.isnan(encode({"carrier": [value]}, [CARRIER])).all()
    assert np.isnan(encode({"carrier": pd.Series([value], dtype=object)}, [CARRIER])).all()


@pytest.mark.parametrize(
    ("value", "position"), [("UA", 1), (b"UA", 1), (np.str_("UA"), 1), (1, 4), (1.0, 5), (True, 6)]
)
def test_category_by_its_text(value: object, position: int) -> None:
    """A category is found by its text, from bytes and numbers too."""
    assert encode({"carrier": [value]}, [CARRIER]).tolist() == [[position]]


@given(st.lists(ANYTHING, min_size=1))
def test_categories_of_a_series_and_a_list(values: list[Any]) -> None:
    """Training reads a Series and serving a list: the same values are the same column."""
    equal(values, pd.Series(values, dtype=object), CARRIER)


@given(st.lists(TEXTS, min_size=1), st.sampled_from(["string", "category", "str"]))
def test_categories_of_every_type_of_series(values: list[str | None], dtype: Any) -> None:
    """So are they in pandas' own types of text."""
    if dtype == "str":
        equal([value or "" for value in values], pd.Series([value or "" for value in values]), CARRIER)
    else:
        equal(values, pd.Series(values, dtype=dtype), CARRIER)


@given(st.lists(NUMBERS, min_size=1))
def test_numbers_of_a_series_and_a_list(values: list[Any]) -> None:
    """Numbers are the same column from a list, a Series and an array, missing ones NaN."""
    equal(values, pd.Series(values, dtype=object), DISTANCE)
    equal(values, np.array(values, dtype=object), DISTANCE)
    missing = [value is None or value != value for value in values]
    assert np.isnan(encode({"distance": values}, [DISTANCE]))[:, 0].tolist() == missing


@pytest.mark.parametrize("dtype", ["float32", "float64", "int8", "int64", "Int64", "boolean", "bool"])
def test_numbers_of_every_type_of_series(dtype: Any) -> None:
    """Numbers of every type are the same column."""
    equal([1, 0, 1], pd.Series([1, 0, 1]).astype(dtype), DISTANCE)


def test_missing_numbers_of_nullable_types() -> None:
    """pandas' own missing value is NaN."""
    equal([1, None], pd.Series([1, None], dtype="Int64"), DISTANCE)


@pytest.mark.parametrize("bad", ["many", b"\xff", [1, 2], {"a": 1}, 10**400, 1j])
def test_what_is_not_a_number(bad: object) -> None:
    """The first value that is not a number is in the error, with its feature."""
    for values in ([1.0, bad, "more"], pd.Series([1.0, bad, "more"], dtype=object)):
        with pytest.raises(DataError) as caught:
            encode({"distance": values}, [DISTANCE])

        assert str(caught.value) == f"Feature 'distance' is a number; got {bad!r}."


def test_missing_feature() -> None:
    """A feature that is not there is named with all that are expected."""
    with pytest.raises(DataError, match=r"^Feature 'distance' is missing; expected \['carrier', 'distance'\]\.$"):
        encode({"carrier": ["AA"]}, [CARRIER, DISTANCE])


def test_columns_of_different_lengths() -> None:
    """Columns of different lengths are no rows."""
    with pytest.raises(DataError, match=r"^Columns have different lengths: \[1, 2\]\.$"):
        encode({"carrier": ["AA"], "distance": [1, 2]}, [CARRIER, DISTANCE])


def test_no_rows() -> None:
    """No rows are a matrix of no rows."""
    assert encode({"carrier": [], "distance": pd.Series([], dtype=object)}, [CARRIER, DISTANCE]).shape == (0, 2)


@given(NUMBERS | ANYTHING, ANYTHING | NUMBERS)
def test_one_row_is_encoded_like_many(number: Any, text: Any) -> None:
    """The encoder of a row gives the same matrix as the encoding of columns, or leaves it to that."""
    found = RowEncoder([DISTANCE, CARRIER]).encode([number, text])
    if found is not None:
        expected = encode({"distance": [number], "carrier": [text]}, [DISTANCE, CARRIER])
        np.testing.assert_array_equal(found, expected, strict=True)


def test_the_encoder_of_a_row() -> None:
    """It judges plain values of the right types, missing and unknown ones too, and no others."""
    encoder = RowEncoder([DISTANCE, CARRIER])
    plain: list[list[Any]] = [[1.5, "UA"], [7, "ZZ"], [True, None], [None, ""]]
    others: list[list[Any]] = [["1", "UA"], [1, 7], [1e39, "UA"], [[1], "UA"]]
    assert all(encoder.encode(row) is not None for row in plain)
    assert all(encoder.encode(row) is None for row in others)
