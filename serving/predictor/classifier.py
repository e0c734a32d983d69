"""The model of a verified folder, checked against its card before it may serve."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from contracts import formats
from contracts.errors import IntegrityError
from contracts.model import ModelCard
from feature_store.matrix import Matrix, feature_types
from serving.errors import InvalidRequestError


@dataclass(frozen=True)
class ServedClassifier:
    """A loaded model and what it can take. Safe to call from several threads."""

    model: formats.Classifier
    accepts_missing: bool
    """Whether the matrix may hold NaN."""

    def probabilities(self, matrix: Matrix) -> Matrix:
        """Class probabilities, float32 [rows, labels]. InvalidRequestError where the model refuses a value."""
        try:
            return self.model.probabilities(matrix)
        except ValueError as error:  # how scikit-learn refuses, such as OneHotEncoder a category it never saw
            if not isinstance(self.model, formats.EstimatorClassifier):
                raise
            raise InvalidRequestError(f"The model refuses a row: {str(error).splitlines()[0]}") from error


def load(folder: Path, card: ModelCard, threads: int) -> ServedClassifier:
    """The model of a folder whose card was verified. IntegrityError if it contradicts its card or format."""
    _require_words("feature", [feature.name for feature in card.features], 1)
    _require_words("label", list(card.labels), 2)
    formats.require_library(card)
    model = formats.load(folder, card, threads)
    if isinstance(model, formats.BoosterClassifier):
        _check_booster(model.booster, card)
    if isinstance(model, formats.EstimatorClassifier):
        _check_estimator(model.estimator, card)
        _bound_threads(model.estimator, threads)
    return ServedClassifier(model, _accepts_missing(model, len(card.features)))


def _require_words(kind: str, words: list[str], least: int) -> None:
    repeated = sorted({word for word in words if words.count(word) > 1})
    if repeated:
        raise IntegrityError(f"The model card names {kind} {repeated[0]!r} more than once.")
    if len(words) < least:
        raise IntegrityError(f"The model card names {len(words)} {kind}s; expected at least {least}.")


def _check_booster(booster: Any, card: ModelCard) -> None:
    learner = json.loads(booster.save_config())["learner"]
    objective, classes = learner["objective"]["name"], int(learner["learner_model_param"]["num_class"])
    labels = {"binary:logistic": 2, "multi:softprob": classes}.get(objective)
    if labels is None:
        raise IntegrityError(f"The model's objective is {objective}; expected binary:logistic or multi:softprob.")
    names = [feature.name for feature in card.features]
    _require_equal("labels", labels, len(card.labels))
    _require_equal("features", booster.num_features(), len(names))
    _require_equal("feature names", booster.feature_names or names, names)
    _require_equal("feature types", booster.feature_types or ["q"] * len(names), feature_types(card.features))


def _check_estimator(estimator: Any, card: ModelCard) -> None:
    if not hasattr(estimator, "predict_proba"):
        raise IntegrityError(f"The model is a {type(estimator).__name__} without predict_proba: it cannot be served.")
    _require_equal("features", estimator.n_features_in_, len(card.features))
    _require_equal("labels", len(estimator.classes_), len(card.labels))


def _require_equal(what: str, found: object, expected: object) -> None:
    if found != expected:
        raise IntegrityError(f"The model has {what} {found}, its card {expected}.", "Register the version again.")


def _bound_threads(estimator: Any, threads: int) -> None:
    """A model may carry its training's n_jobs, which is all processors as often as not."""
    jobs = [name for name in estimator.get_params() if name.rpartition("__")[2] == "n_jobs"]
    estimator.set_params(**dict.fromkeys(jobs, threads))


def _accepts_missing(model: formats.Classifier, features: int) -> bool:
    """Ask the model itself: a pipeline without an imputer refuses NaN with ValueError. It warms the others up."""
    try:
        model.probabilities(np.full((1, features), np.nan, dtype=np.float32))
    except ValueError as error:
        if isinstance(model, formats.EstimatorClassifier):
            return False
        raise IntegrityError(f"The model cannot predict: {str(error).splitlines()[0]}") from error
    return True
