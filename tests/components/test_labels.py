"""Windows that a model can be fitted and judged on."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from components.frame import require_labels
from contracts.errors import DataError
from contracts.window import Window
from tests.components.conftest import WINDOW


def test_labels_of_two_classes_will_do(frame: Path) -> None:
    """In each window."""
    require_labels(frame, WINDOW, Window.parse("2013-01-30", "2013-02-01"))


def test_a_window_without_labels_is_named(frame: Path) -> None:
    """Though another one has them."""
    with pytest.raises(DataError, match=r"\[2013-02-01, 2013-03-01\) has no labelled rows"):
        require_labels(frame, WINDOW, Window.parse("2013-02-01", "2013-03-01"))


def test_one_class_is_not_enough(tmp_path: Path, frame: Path) -> None:
    """Nothing can be told apart."""
    rows = pd.read_parquet(frame)
    one = tmp_path / "one"
    rows[rows["label"] == 1].to_parquet(one, coerce_timestamps="us", allow_truncated_timestamps=True)
    with pytest.raises(DataError, match="labelled rows of one class only"):
        require_labels(one, WINDOW)
