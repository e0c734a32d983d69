"""The kinds of model a search may try, each fitted the same way on the same matrix."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from components.frame import Rows
from components.params import values_explained
from contracts.formats import MODEL_FILES, BoosterClassifier, Classifier, EstimatorClassifier, skops_bytes
from contracts.model import Feature
from feature_store.matrix import feature_types

Params = dict[str, float | int | str]


def fit(kind: str, params: Params, rows: Rows, features: tuple[Feature, ...], seed: int, threads: int) -> Classifier:
    """A fitted classifier of a kind of the search space. The same arguments give the same model, bit for bit."""
    with values_explained(kind, params):
        return _fit(kind, params, rows, features, seed, threads)


def _fit(kind: str, params: Params, rows: Rows, features: tuple[Feature, ...], seed: int, threads: int) -> Classifier:
    if kind == "xgboost":
        return _fit_booster(params, rows, features, seed, threads)
    from threadpoolctl import threadpool_limits

    estimator = _ESTIMATORS[kind](params, features, seed)
    with threadpool_limits(threads):
        return EstimatorClassifier(estimator.fit(rows.matrix, rows.labels))


def save(model: Classifier, folder: Path) -> tuple[str, str]:
    """Write a model's own file into a folder; its format and file name."""
    if isinstance(model, BoosterClassifier):
        name = MODEL_FILES["xgboost-ubj"]
        (folder / name).write_bytes(model.booster.save_raw("ubj"))  # XGBoost's own writer misses a full disk at the end
        return "xgboost-ubj", name
    if isinstance(model, EstimatorClassifier):
        name = MODEL_FILES["sklearn-skops"]
        (folder / name).write_bytes(skops_bytes(model.estimator))
        return "sklearn-skops", name
    raise TypeError(f"no format for {type(model).__name__}")


def _fit_booster(
    params: Params, rows: Rows, features: tuple[Feature, ...], seed: int, threads: int
) -> BoosterClassifier:
    import xgboost

    types = feature_types(features)
    learning = {key: value for key, value in params.items() if key != "n_estimators"}
    data = xgboost.QuantileDMatrix(
        rows.matrix, rows.labels, feature_types=types, enable_categorical=True, nthread=threads
    )
    fixed = {"objective": "binary:logistic", "tree_method": "hist", "seed": seed, "nthread": threads}
    booster = xgboost.train({**learning, **fixed}, data, int(params.get("n_estimators", 100)))
    return BoosterClassifier(booster, types, threads)


def _hist_gradient_boosting(params: Params, features: tuple[Feature, ...], seed: int) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier

    return HistGradientBoostingClassifier(**params, categorical_features=_categorical(features), random_state=seed)


def _logistic_regression(params: Params, features: tuple[Feature, ...], seed: int) -> Any:
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    categorical = _categorical(features)
    numbers = [position for position in range(len(features)) if position not in categorical]
    columns = ColumnTransformer(
        [
            ("codes", OneHotEncoder(handle_unknown="ignore"), categorical),
            ("numbers", make_pipeline(SimpleImputer(strategy="median", add_indicator=True), StandardScaler()), numbers),
        ]
    )
    return make_pipeline(columns, LogisticRegression(**params, max_iter=1000, random_state=seed))


def _random_forest(params: Params, features: tuple[Feature, ...], seed: int) -> Any:
    from sklearn.ensemble import RandomForestClassifier

    return RandomForestClassifier(**params, random_state=seed)


def _categorical(features: tuple[Feature, ...]) -> list[int]:
    return [position for position, feature in enumerate(features) if feature.categories is not None]


_ESTIMATORS = {
    "hist_gradient_boosting": _hist_gradient_boosting,
    "logistic_regression": _logistic_regression,
    "random_forest": _random_forest,
}


def positive(
    model: Classifier, matrix: np.typing.NDArray[np.float32], batch_rows: int = 65_536
) -> np.typing.NDArray[np.float32]:
    """Probability of the second class of each row [rows], in batches so that memory holds one."""
    parts = [
        model.probabilities(matrix[start : start + batch_rows])[:, 1] for start in range(0, len(matrix), batch_rows)
    ]
    return np.concatenate(parts) if parts else np.empty(0, np.float32)
