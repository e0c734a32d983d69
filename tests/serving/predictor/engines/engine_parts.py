"""A model of each kind with its fast form in a folder, and rows that it never saw."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from components import estimators
from components.estimators import save
from components.fast_form.making import Made, make
from components.frame import Rows
from contracts.formats import (
    BoosterClassifier,
    BoosterRegressor,
    Classifier,
    EstimatorClassifier,
    EstimatorRegressor,
    library_of,
    load,
)
from contracts.model import Feature, ModelCard, Task, sha256_of
from feature_store.matrix import Matrix, feature_types

LETTERS = tuple(f"c{number}" for number in range(40))
FEATURES = (
    Feature(name="carrier", categories=LETTERS[:4]),
    Feature(name="target", categories=LETTERS),
    *(Feature(name=f"n{number}") for number in range(6)),
)
TRAINED, ASKED = 1500, 20_000


def rows_of(count: int, seed: int) -> Matrix:
    """Rows with missing values, and categories of which training sees all but the last of each feature."""
    generator = np.random.default_rng(seed)
    matrix = generator.normal(size=(count, len(FEATURES))).astype(np.float32)
    for place, feature in enumerate(FEATURES[:2]):
        assert feature.categories is not None
        matrix[:, place] = generator.integers(0, len(feature.categories) - (seed == 0), count)
    matrix[:, 4] = np.round(matrix[:, 4])  # a feature of few values: many of them are thresholds
    matrix[generator.random(matrix.shape) < 0.05] = np.nan
    return matrix


def target_of(matrix: Matrix) -> np.typing.NDArray[np.float64]:
    """A number to learn from rows."""
    filled = np.nan_to_num(matrix).astype(np.float64)
    noise = np.random.default_rng(3).normal(size=len(matrix))
    filled[:, 1] = filled[:, 1] * 7 % 5 > 2
    filled[:, 0] = filled[:, 0] == 1
    target: np.typing.NDArray[np.float64] = filled[:, 1] - filled[:, 0] + filled[:, 2] + 0.3 * noise
    return target + filled[:, 3] * filled[:, 4]


TRAINING = rows_of(TRAINED, 0)
TARGET = target_of(TRAINING)


def of_two(kind: str, **params: float | int | str) -> Classifier:
    """A classifier as the pipeline fits it."""
    labels = (TARGET > 0.5).astype(np.int8)
    return estimators.fit(kind, params, Rows(TRAINING, labels), FEATURES, 1, 1)


def booster(objective: str, target: Any, **params: Any) -> Classifier:
    """A booster with another objective than the pipeline's."""
    import xgboost

    types = feature_types(FEATURES)
    data = xgboost.DMatrix(TRAINING, target, feature_types=types, enable_categorical=True)
    trained = xgboost.train({"objective": objective, "seed": 1, "nthread": 1, "max_depth": 5, **params}, data, 30)
    return (BoosterClassifier if "softprob" in objective else BoosterRegressor)(trained, types)


def forest_of_numbers() -> Classifier:
    """A regression by scikit-learn."""
    from sklearn.ensemble import RandomForestRegressor

    return EstimatorRegressor(RandomForestRegressor(10, max_depth=8, random_state=0).fit(TRAINING, TARGET))


def forest_of_three() -> Classifier:
    """Three classes by scikit-learn."""
    from sklearn.ensemble import RandomForestClassifier

    labels = np.digitize(TARGET, [0, 1])
    return EstimatorClassifier(RandomForestClassifier(10, random_state=0).fit(TRAINING, labels))


KINDS: dict[str, tuple[Callable[[], Classifier], Task, int]] = {
    "xgboost": (lambda: of_two("xgboost", n_estimators=60), "classification", 2),
    "xgboost one-hot": (lambda: of_two("xgboost", n_estimators=60, max_cat_to_onehot=99), "classification", 2),
    "xgboost of three": (
        lambda: booster("multi:softprob", np.digitize(TARGET, [0, 1]), num_class=3),
        "classification",
        3,
    ),
    "xgboost regression": (lambda: booster("reg:squarederror", TARGET), "regression", 0),
    "xgboost counts": (
        lambda: booster("count:poisson", np.round(np.exp(np.clip(TARGET, -2, 2)))),
        "regression",
        0,
    ),
    "random forest": (lambda: of_two("random_forest", n_estimators=30), "classification", 2),
    "random forest of three": (forest_of_three, "classification", 3),
    "random forest regression": (forest_of_numbers, "regression", 0),
    "logistic regression": (lambda: of_two("logistic_regression"), "classification", 2),
    "hist gradient boosting": (lambda: of_two("hist_gradient_boosting", max_iter=40), "classification", 2),
}
"""Kind → how to fit it, its task, and its number of labels."""


@dataclass(frozen=True)
class Folder:
    """A model folder, and its model as the native library has it."""

    path: Path
    card: ModelCard

    @property
    def native(self) -> Classifier:
        """By the library's own Python package."""
        return load(self.path, self.card)

    def changed(self, **fields: Any) -> Folder:
        """With another card."""
        card = ModelCard.model_validate(self.card.model_dump() | fields)
        card.write(self.path)
        return Folder(self.path, card)


@cache
def _fitted(kind: str) -> tuple[Classifier, Made]:
    fit, _, labels = KINDS[kind]
    model = fit()
    return model, make(model, FEATURES, labels or 1, TRAINING)


def folder_of(kind: str, path: Path) -> Folder:
    """A model of a kind, as a bundle has it."""
    _, task, labels = KINDS[kind]
    model, made = _fitted(kind)
    file_format, name = save(model, path)
    assert made.form is not None, made.reason
    (path / made.form.file).write_bytes(made.body)
    card = ModelCard.model_validate(
        {
            "loop": "trips",
            "kind": kind,
            "task": task,
            "format": file_format,
            "model_file": name,
            "library": library_of(file_format),
            "features": FEATURES,
            "labels": [f"label {number}" for number in range(labels)],
            "files": {file: sha256_of(path / file) for file in (name, made.form.file)},
            "fast": made.form,
        }
    )
    card.write(path)
    return Folder(path, card)
