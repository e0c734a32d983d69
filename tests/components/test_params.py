"""Parameters of a search space: known before training, refused in words."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from components.estimators import fit
from components.frame import Rows
from components.params import allowed, require_known
from contracts.errors import ConfigError
from contracts.loop import TrainSpec
from contracts.model import Feature

FEATURES = (Feature(name="distance"),)
KINDS = ("xgboost", "hist_gradient_boosting", "logistic_regression", "random_forest")


@pytest.fixture
def rows() -> Rows:
    """Forty rows of one number."""
    numbers = np.arange(40, dtype=np.float32)
    return Rows(numbers[:, None], (numbers % 3 == 0).astype(np.int8))


@pytest.mark.parametrize("kind", KINDS)
def test_an_unknown_parameter_is_named(kind: str) -> None:
    """With those that are allowed."""
    spec = TrainSpec.model_validate({"space": {kind: {"deepness": [3]}}})
    with pytest.raises(ConfigError, match=rf"{kind} has a parameter 'deepness'.* Allowed: \w+, \w+"):
        require_known(spec)


@pytest.mark.parametrize(
    ("kind", "params"),
    [
        ("xgboost", {"n_estimators": 2, "max_depth": 2, "learning_rate": 0.1, "eta": 0.1}),
        ("hist_gradient_boosting", {"max_iter": 2, "l2_regularization": 0.1}),
        ("logistic_regression", {"C": 1.0}),
        ("random_forest", {"n_estimators": 2, "max_features": "sqrt"}),
    ],
)
def test_what_is_allowed_can_be_given(kind: str, params: dict[str, Any], rows: Rows) -> None:
    """A parameter that passes the check is no argument that a fit gives itself."""
    assert set(params) <= allowed(kind)
    fit(kind, params, rows, FEATURES, seed=1, threads=1)


@pytest.mark.parametrize(
    ("kind", "params", "reason"),
    [
        ("xgboost", {"max_depth": "deep"}, "max_depth expect int but value='deep'"),
        ("xgboost", {"subsample": 1.5}, "subsample exceed bound"),
        ("hist_gradient_boosting", {"max_iter": -1}, "'max_iter' parameter of HistGradientBoostingClassifier"),
        ("logistic_regression", {"C": "much"}, "'C' parameter of LogisticRegression"),
    ],
)
def test_a_value_that_cannot_be_is_told(kind: str, params: dict[str, Any], reason: str, rows: Rows) -> None:
    """In the library's own words."""
    with pytest.raises(ConfigError, match=reason):
        fit(kind, params, rows, FEATURES, seed=1, threads=1)
