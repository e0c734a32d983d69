"""The models that every server serves: fitted once, kept as driftloop's bundle and as the file that others read."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from components.bundle import write_bundle
from contracts.formats import BoosterClassifier, Classifier, EstimatorClassifier
from contracts.loop import LoopSpec
from contracts.model import CARD, Feature

Matrix = npt.NDArray[np.float32]
NAME = "bench"
"""What the model is called in every server's addresses."""
FEATURES, TREES, DEPTH = 20, 100, 6
_TRAINING_ROWS = 5000
_LOOP = Path(__file__).resolve().parents[2] / "pipelines" / "loops" / "flights.toml"


@dataclass(frozen=True)
class ServedModel:
    """One model in both forms, and what its own library says."""

    kind: str
    bundle: Path
    native: Path
    """The same bundle without a fast form: every answer is the library's own."""
    file: Path
    score: Callable[[Matrix], Matrix]
    """The second class's probability of each row, by the library itself."""


def rows(count: int) -> Matrix:
    """Numbers of four decimals, [rows, features], the same at each call."""
    return np.random.default_rng(count).normal(size=(count, FEATURES)).round(4).astype(np.float32)


def fit(kind: str, folder: Path) -> ServedModel:
    """A fitted model in a new folder."""
    bundle = folder / kind / "bundle"
    bundle.mkdir(parents=True)
    matrix = rows(_TRAINING_ROWS)
    noise = np.random.default_rng(0).normal(size=_TRAINING_ROWS)
    model, file, score = _FITTED[kind](matrix, matrix[:, 0] - matrix[:, 1] * matrix[:, 2] + noise > 0, folder / kind)
    features = tuple(Feature(name=f"f{at}") for at in range(FEATURES))
    write_bundle(bundle, "bench", kind, model, features, ("no", "yes"), _reference(matrix), _drift(), {})
    return ServedModel(kind, bundle, _without_fast_form(bundle), file, score)


def _without_fast_form(bundle: Path) -> Path:
    native = bundle.with_name("native")
    shutil.copytree(bundle, native)
    card = json.loads((native / CARD).read_text())
    card.pop("fast", None)
    (native / CARD).write_text(json.dumps(card))
    return native


_Fitted = tuple[Classifier, Path, Callable[[Matrix], Matrix]]


def _xgboost(matrix: Matrix, labels: npt.NDArray[np.bool_], folder: Path) -> _Fitted:
    import xgboost

    params = {"objective": "binary:logistic", "max_depth": DEPTH, "nthread": 1}
    booster = xgboost.train(params, xgboost.DMatrix(matrix, labels), TREES)
    booster.save_model(folder / "model.ubj")
    return (
        BoosterClassifier(booster, ["q"] * FEATURES),
        folder / "model.ubj",
        lambda given: booster.predict(xgboost.DMatrix(given)),
    )


def _forest(matrix: Matrix, labels: npt.NDArray[np.bool_], folder: Path) -> _Fitted:
    from sklearn.ensemble import RandomForestClassifier

    return _estimator(RandomForestClassifier(TREES, max_depth=10, random_state=0).fit(matrix, labels), folder)


def _logistic(matrix: Matrix, labels: npt.NDArray[np.bool_], folder: Path) -> _Fitted:
    from sklearn.linear_model import LogisticRegression

    return _estimator(LogisticRegression().fit(matrix, labels), folder)


def _estimator(estimator: Any, folder: Path) -> _Fitted:
    import joblib

    joblib.dump(estimator, folder / "model.joblib")
    return (
        EstimatorClassifier(estimator),
        folder / "model.joblib",
        lambda given: np.asarray(estimator.predict_proba(given)[:, 1], dtype=np.float32),
    )


_FITTED = {"xgboost": _xgboost, "random_forest": _forest, "logistic_regression": _logistic}


def _reference(matrix: Matrix) -> Any:
    import pandas as pd

    return pd.DataFrame(matrix[:100], columns=[f"f{at}" for at in range(FEATURES)])


def _drift() -> Any:
    return LoopSpec.load(_LOOP).drift
