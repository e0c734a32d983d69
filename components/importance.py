"""How much of a model each feature carries, in shares. Drift of one that carries nothing is no reason to retrain."""

from __future__ import annotations

import numpy as np

from components.estimators import positive
from contracts.formats import BoosterClassifier, Classifier
from contracts.model import Feature
from feature_store.matrix import Matrix

ROWS = 1000
"""Rows whose columns are permuted; shares to a percent need no more."""
DIGITS = 6
"""Of a share in drift.json: sums of floats may differ beyond them between machines."""


def shares(model: Classifier, matrix: Matrix, features: tuple[Feature, ...], seed: int) -> dict[str, float]:
    """Feature → its share, together 1; all 0 for a model that looks at none. The same arguments give the same shares.

    XGBoost: the fall of its loss over all splits on the feature (total gain), which it has counted while it was
    trained. Any other kind: how far the scores of `matrix` [rows, features] move on average when the feature's column
    is permuted (Breiman, Random Forests, 2001, with the score in place of the error: it needs no labels).
    """
    carried = _gain(model, len(features)) if isinstance(model, BoosterClassifier) else _moved(model, matrix, seed)
    total = float(carried.sum())
    normal = carried / total if total > 0 else carried
    return {feature.name: round(float(share), DIGITS) for feature, share in zip(features, normal, strict=True)}


def _gain(model: BoosterClassifier, width: int) -> np.typing.NDArray[np.float64]:
    names = model.booster.feature_names or [f"f{place}" for place in range(width)]
    found = model.booster.get_score(importance_type="total_gain")
    return np.array([float(np.sum(found.get(name, 0.0))) for name in names])


def _moved(model: Classifier, matrix: Matrix, seed: int) -> np.typing.NDArray[np.float64]:
    generator = np.random.default_rng(seed)
    rows = matrix[:ROWS]
    scores = positive(model, rows)
    carried = np.zeros(rows.shape[1])
    for place in range(rows.shape[1]):
        permuted = rows.copy()
        permuted[:, place] = generator.permutation(permuted[:, place])
        carried[place] = np.mean(np.abs(positive(model, permuted) - scores)) if len(rows) else 0.0
    return carried
