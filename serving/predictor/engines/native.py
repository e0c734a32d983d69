"""The native engine of a verified model folder, checked against its card: the library that wrote the model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from contracts import formats
from contracts.errors import IntegrityError
from contracts.formats import Classifier
from contracts.model import FastForm, ModelCard
from feature_store.matrix import feature_types
from serving.predictor.engines.late import LateEngine
from serving.predictor.engines.pyfunc import PyfuncEngine
from serving.predictor.engines.xgboost_engine import BoosterFacts, XGBoostEngine
from serving.predictor.engines.xgboost_library import LibraryError

REGRESSIONS = (
    *("reg:squarederror", "reg:squaredlogerror", "reg:pseudohubererror", "reg:absoluteerror", "reg:quantileerror"),
    *("reg:logistic", "reg:gamma", "reg:tweedie", "count:poisson"),
)
"""XGBoost's objectives whose prediction is a number."""


def open_native(folder: Path, card: ModelCard, threads: int, form: FastForm | None) -> tuple[Classifier, bool]:
    """The native engine and whether it takes missing values. Beside a fast form, scikit-learn is opened when asked."""
    if card.format == "xgboost-ubj":
        return _booster(folder, card, threads), True
    if card.format == "mlflow-pyfunc":
        pyfunc = PyfuncEngine(folder, card)
        return pyfunc, pyfunc.accepts_missing()
    body = (folder / card.model_file).read_bytes()
    if form is not None:  # scikit-learn is only imported if it is asked; the bytes, because the folder may go
        library = formats.library_of(card.format)
        return LateEngine(lambda: _estimator(body, card, threads), library), form.accepts_missing
    estimator = _estimator(body, card, threads)
    return estimator, _accepts_missing(estimator, len(card.features))


def _booster(folder: Path, card: ModelCard, threads: int) -> Classifier:
    engine = XGBoostEngine(folder / card.model_file, threads)
    _check_booster(engine.facts, card)
    if engine.facts.booster == "gblinear":  # the library reads no plain matrix for it
        return formats.load(folder, card, threads)
    try:
        engine.probabilities(np.full((1, len(card.features)), np.nan, np.float32))  # configures it, once and for all
    except LibraryError as error:
        raise IntegrityError(f"The model cannot predict: {error.what}") from error
    return engine


def _check_booster(facts: BoosterFacts, card: ModelCard) -> None:
    if card.task == "regression":
        if facts.objective not in REGRESSIONS or facts.targets > 1:
            told = f"{facts.objective} of {facts.targets} numbers"
            raise IntegrityError(f"The model's objective is {told}; expected one of {', '.join(REGRESSIONS)} of one.")
    else:
        labels = {"binary:logistic": 2, "multi:softprob": facts.classes}.get(facts.objective)
        if labels is None:
            raise IntegrityError(
                f"The model's objective is {facts.objective}; expected binary:logistic or multi:softprob."
            )
        require_equal("labels", labels, len(card.labels))
    names = [feature.name for feature in card.features]
    require_equal("features", facts.features, len(names))
    require_equal("feature names", facts.names or names, names)
    require_equal("feature types", facts.types or ["q"] * len(names), feature_types(card.features))


def _estimator(body: bytes, card: ModelCard, threads: int) -> Classifier:
    model = formats.read_estimator(body, card)
    estimator, wanted = model.estimator, "predict" if card.task == "regression" else "predict_proba"
    if not hasattr(estimator, wanted):
        raise IntegrityError(f"The model is a {type(estimator).__name__} without {wanted}: it cannot be served.")
    require_equal("features", estimator.n_features_in_, len(card.features))
    if card.task == "classification":
        require_equal("labels", len(estimator.classes_), len(card.labels))
    _bound_threads(estimator, threads)
    return model


def require_equal(what: str, found: object, expected: object) -> None:
    """IntegrityError unless the model has what its card says."""
    if found != expected:
        raise IntegrityError(f"The model has {what} {found}, its card {expected}.", "Register the version again.")


def _bound_threads(estimator: Any, threads: int) -> None:
    """A model may carry its training's n_jobs, which is all processors as often as not."""
    jobs = [name for name in estimator.get_params() if name.rpartition("__")[2] == "n_jobs"]
    estimator.set_params(**dict.fromkeys(jobs, threads))


def _accepts_missing(model: Classifier, features: int) -> bool:
    """Ask the model itself: a pipeline without an imputer refuses NaN with ValueError. It warms the others up."""
    try:
        model.probabilities(np.full((1, features), np.nan, dtype=np.float32))
    except ValueError:
        return False
    return True
