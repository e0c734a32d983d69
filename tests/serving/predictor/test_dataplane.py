"""The data plane itself, in this process."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from contracts.model import Feature, ModelCard
from serving.errors import InvalidRequestError, TooLargeError
from serving.predictor.classifier import ServedClassifier
from serving.predictor.dataplane import DataPlane


class Constant:
    """A model that finds its second label more likely, whatever the row."""

    def probabilities(self, matrix: np.typing.NDArray[np.float32]) -> np.typing.NDArray[np.float32]:
        """See Classifier."""
        return np.tile(np.array([0.4, 0.6], dtype=np.float32), (len(matrix), 1))


def plane(accepts_missing: bool = True) -> DataPlane:
    """A data plane of a number and a category, at most three rows at once."""
    card = ModelCard(
        loop="test",
        kind="test",
        format="xgboost-ubj",
        model_file="m",
        features=(Feature(name="size"), Feature(name="colour", categories=("red", "green"))),
        labels=("no", "yes"),
        files={"m": "0" * 64},
    )
    return DataPlane("test", "1", card, ServedClassifier(Constant(), accepts_missing), max_rows=3)


def test_columns_and_matrix_give_the_same_rows() -> None:
    """A category is its position, an unknown or missing one NaN."""
    columns: dict[str, list[object]] = {"size": [1, 2.5, None], "colour": ["green", "blue", None]}
    expected = np.array([[1, 1], [2.5, np.nan], [np.nan, np.nan]], dtype=np.float32)
    np.testing.assert_array_equal(plane().from_columns(columns), expected)
    np.testing.assert_array_equal(plane().from_matrix(expected.astype(np.float64)), expected)


def test_the_label_is_the_most_probable_one() -> None:
    """Each row has the label of its greatest probability."""
    answer = plane().predict(np.zeros((2, 2), dtype=np.float32))
    assert answer.labels == ("yes", "yes")
    assert answer.probabilities.shape == (2, 2)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"size": [1]}, "Feature 'colour' is missing from the request; expected ['size', 'colour']"),
        ({"size": [1], "colour": ["red"], "weight": [2]}, "Unknown feature 'weight'"),
        ({"size": [1, 2], "colour": ["red"]}, "Feature 'colour' has 1 rows; expected 2"),
        ({"size": [], "colour": []}, "no rows"),
        ({"size": ["1"], "colour": ["red"]}, "Feature 'size' is '1' in row 0; expected a number"),
        ({"size": [1, [2]], "colour": ["red", "red"]}, "Feature 'size' is [2] in row 1"),
        ({"size": [1], "colour": [0]}, "Feature 'colour' is 0 in row 0; expected text, one of ['red', 'green']"),
        ({"size": [1], "colour": np.array([0.0])}, "Feature 'colour' is 0.0 in row 0; expected text"),
        (
            {"size": [3e38, 1e39], "colour": ["red", "red"]},
            "Feature 'size' is 1e+39 in row 1; expected a finite number",
        ),
    ],
)
def test_a_wrong_column_is_named(columns: dict[str, Any], message: str) -> None:
    """The error says which feature, which value and what was expected."""
    with pytest.raises(InvalidRequestError) as error:
        plane().from_columns(columns)
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("matrix", "message"),
    [
        ([[1.0]], "shape [1, 1]; expected [rows, 2]"),
        ([1.0, 2.0], "shape [2]; expected [rows, 2]"),
        ([[1.0, 2.0]], "Feature 'colour' is 2.0 in row 0; expected the position of a category, 0 to 1"),
        ([[1.0, 0.5]], "Feature 'colour' is 0.5 in row 0"),
        ([[1.0, -1.0]], "Feature 'colour' is -1.0 in row 0"),
        ([[1.0, 0.0], [np.inf, 0.0]], "inf"),
    ],
)
def test_a_wrong_matrix_is_named(matrix: list[Any], message: str) -> None:
    """The same for rows that are encoded already."""
    with pytest.raises(InvalidRequestError) as error:
        plane().from_matrix(np.array(matrix))
    assert message in str(error.value)


def test_rows_are_bounded() -> None:
    """One row more than the bound is refused with 413, as columns and as a matrix."""
    with pytest.raises(TooLargeError, match="4 rows; expected at most 3"):
        plane().from_columns({"size": [1] * 4, "colour": ["red"] * 4})
    with pytest.raises(TooLargeError, match="4 rows; expected at most 3"):
        plane().from_matrix(np.zeros((4, 2)))


@pytest.mark.parametrize("columns", [{"size": [None], "colour": ["red"]}, {"size": [1], "colour": ["blue"]}])
def test_a_model_that_takes_no_missing_values_says_so(columns: dict[str, Any]) -> None:
    """A missing number and an unknown category are the client's mistake, where the model cannot take them."""
    with pytest.raises(InvalidRequestError, match="this model takes no missing value"):
        plane(accepts_missing=False).from_columns(columns)
