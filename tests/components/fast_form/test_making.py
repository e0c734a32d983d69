"""The fast form of a model: the same bytes for the same model, and only one that nobody could tell from it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import xgboost
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import GradientBoostingClassifier, HistGradientBoostingRegressor, RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier

from components.fast_form import ensemble
from components.fast_form.boosters import booster_graph
from components.fast_form.ensemble import UnknownModelError
from components.fast_form.making import Made, compare, make
from components.fast_form.probes import MADE, probes
from contracts.fast import NEAR_TIE, FastModel
from contracts.formats import BoosterClassifier, BoosterRegressor, EstimatorClassifier, EstimatorRegressor
from contracts.model import Feature
from feature_store.matrix import Matrix

FEATURES = (Feature(name="code", categories=("a", "b", "c")), *(Feature(name=f"n{number}") for number in range(3)))
GENERATOR = np.random.default_rng(0)
MATRIX = np.column_stack([GENERATOR.integers(0, 3, 600), GENERATOR.normal(size=(600, 3))]).astype(np.float32)
NUMBER = MATRIX[:, 1] + MATRIX[:, 2] * (MATRIX[:, 0] == 1)
TWO, THREE = (NUMBER > 0).astype(int), np.digitize(NUMBER, [-0.5, 0.5])
TYPES = ["c", "q", "q", "q"]


def trained(objective: str, target: Any, **params: Any) -> xgboost.Booster:
    """A small booster."""
    data = xgboost.DMatrix(MATRIX, target, feature_types=TYPES, enable_categorical=True)
    return xgboost.train({"objective": objective, "seed": 1, "nthread": 1, **params}, data, 8)


def made(estimator: Any) -> Made:
    """What comes of a scikit-learn estimator."""
    model = EstimatorClassifier(estimator) if hasattr(estimator, "classes_") else EstimatorRegressor(estimator)
    outputs = len(estimator.classes_) if hasattr(estimator, "classes_") else 1
    return make(model, FEATURES, outputs, MATRIX)


ESTIMATORS = {
    "tree": DecisionTreeClassifier(random_state=0).fit(MATRIX, THREE),
    "forest without missing values": RandomForestClassifier(5, random_state=0).fit(MATRIX, TWO),
    "boosting of numbers": HistGradientBoostingRegressor(max_iter=8, loss="poisson").fit(MATRIX, np.exp(NUMBER)),
    "scaled": make_pipeline(StandardScaler(), LogisticRegression()).fit(MATRIX, THREE),
    "filled": make_pipeline(SimpleImputer(), DecisionTreeClassifier(max_depth=3)).fit(MATRIX, TWO),
    "columns": make_pipeline(
        ColumnTransformer([("codes", OneHotEncoder(handle_unknown="ignore"), [0])], remainder="passthrough"),
        LogisticRegression(),
    ).fit(MATRIX, TWO),
}


@pytest.mark.parametrize("estimator", ESTIMATORS.values(), ids=ESTIMATORS)
def test_estimators(estimator: Any) -> None:
    """Steps and models of scikit-learn, on real rows and on made-up ones."""
    found = made(estimator)
    assert found.form is not None, found.reason
    assert found.form.rows == len(MATRIX) + MADE
    assert found.form.greatest_difference <= NEAR_TIE


@pytest.mark.parametrize(
    "objective",
    ["reg:squarederror", "reg:pseudohubererror", "reg:absoluteerror", "reg:logistic", "reg:gamma", "reg:tweedie"],
)
def test_regressions_of_xgboost(objective: str) -> None:
    """Every objective has its own way from the sum of the leaves to the number."""
    target = 1 / (1 + np.exp(-NUMBER))
    found = make(BoosterRegressor(trained(objective, target), TYPES), FEATURES, 1, MATRIX)
    assert found.form is not None, found.reason
    assert found.form.native_above is not None


def test_one_tree_that_asks_nothing() -> None:
    """A model of a single leaf has a fast form, too."""
    found = make(BoosterClassifier(trained("binary:logistic", TWO, gamma=1e9), TYPES), FEATURES, 2, MATRIX)
    assert found.form is not None, found.reason


@pytest.mark.parametrize("estimator", [ESTIMATORS["scaled"], ESTIMATORS["tree"]])
def test_the_same_model_is_the_same_bytes(estimator: Any) -> None:
    """So that a registered version made again has the same digests."""
    first, second = made(estimator), made(estimator)
    assert first == second
    booster = trained("binary:logistic", TWO)
    assert booster_graph(booster).to_bytes(2) == booster_graph(booster).to_bytes(2)


def test_missing_values_are_noted() -> None:
    """Whether a model takes them, so that nobody needs its library to know."""
    strict, filled = made(ESTIMATORS["scaled"]), made(ESTIMATORS["filled"])
    assert strict.form is not None
    assert filled.form is not None
    assert (strict.form.accepts_missing, filled.form.accepts_missing) == (False, True)


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        (GradientBoostingClassifier(n_estimators=2).fit(MATRIX, TWO), "the model is a GradientBoostingClassifier"),
        (make_pipeline(OneHotEncoder(), LogisticRegression()).fit(MATRIX[:, :1], TWO), "one-hot encoding"),
    ],
)
def test_models_without_a_fast_form(model: Any, reason: str) -> None:
    """What cannot be expressed is told in words; it is no error."""
    found = made(model)
    assert (found.form, found.body) == (None, b"")
    assert found.reason is not None
    assert reason in found.reason


def test_a_dart_has_no_fast_form() -> None:
    """Nor has a booster whose trees have weights."""
    found = make(
        BoosterClassifier(trained("binary:logistic", TWO, booster="dart", rate_drop=0.5), TYPES), FEATURES, 2, MATRIX
    )
    assert found.reason == "It has no fast form: the booster is a dart"


def test_a_forest_beyond_all_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """A model of very many nodes is served as it is, instead of filling the training step's memory."""
    monkeypatch.setattr(ensemble, "MAX_NODES", 100)
    assert made(ESTIMATORS["forest without missing values"]).reason == (
        "It has no fast form: its trees have more than 100 nodes"
    )


class Strange(EstimatorClassifier):
    """A model that is not quite what its estimator says."""

    def probabilities(self, matrix: Matrix) -> Matrix:
        """See Classifier."""
        return np.where(
            matrix[:, :1] == 1, super().probabilities(matrix) + np.float32(2e-6), super().probabilities(matrix)
        )


def test_a_form_that_strays_is_rejected() -> None:
    """Two millionths are too many: there is no form, and the reason gives a row and both answers."""
    found = make(Strange(ESTIMATORS["filled"]), FEATURES, 2, MATRIX)
    assert (found.form, found.body) == (None, b"")
    assert found.reason is not None
    assert "where the model answers" in found.reason


def test_another_models_form_is_noticed() -> None:
    """The comparison finds labels and probabilities that are not the model's."""
    model = BoosterClassifier(trained("binary:logistic", TWO), TYPES)
    other = booster_graph(trained("binary:logistic", 1 - TWO)).to_bytes(2)
    with pytest.raises(UnknownModelError, match=r"and \d+ more of 600 rows"):
        compare(model, FastModel(other), MATRIX)
    three = booster_graph(trained("multi:softprob", THREE, num_class=3)).to_bytes(3)
    with pytest.raises(UnknownModelError, match=r"it answers \(600, 3\)"):
        compare(model, FastModel(three), MATRIX)


def test_rows_that_reach_every_corner() -> None:
    """Every category and some that no card lists, thresholds and what lies right beside them, missing values."""
    rows = probes(MATRIX, FEATURES, {1: {0.25, -3.5}}, missing=True, seed=0)
    assert set(range(5)) <= set(rows[:, 0])
    for threshold in (0.25, -3.5):
        near = np.float32(threshold)
        beside = [np.nextafter(near, np.float32(end), dtype=np.float32) for end in (-np.inf, np.inf)]
        assert {near, *beside} <= set(rows[:, 1])
    assert np.isnan(rows).any(axis=0).all()
    assert not np.isinf(rows).any()
    assert np.isfinite(probes(MATRIX, FEATURES, {}, missing=False, seed=0)).all()
    np.testing.assert_array_equal(rows, probes(MATRIX, FEATURES, {1: {-3.5, 0.25}}, missing=True, seed=0))
