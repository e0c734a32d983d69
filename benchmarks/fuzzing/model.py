"""A small model folder with numbers and categories, and what a good request to it looks like."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import xgboost

from contracts.model import Feature, ModelCard, sha256_of
from feature_store.matrix import encode, feature_types

NAME, VERSION, MAX_ROWS, MAX_BODY_BYTES = "flights", "7", 200, 300_000
CATEGORIES = ("AA", "UA", "DL")
FEATURES = (
    Feature(name="distance"),
    Feature(name="hour"),
    Feature(name="carrier", categories=CATEGORIES),
    Feature(name="holiday"),
)
NAMES = tuple(feature.name for feature in FEATURES)
ROW = (812.5, 17, "UA", False)
"""A value of each feature."""


def make(folder: Path) -> None:
    """Train and write it."""
    random, rows = np.random.default_rng(1), 400
    columns = {
        "distance": random.normal(800, 300, rows).tolist(),
        "hour": random.integers(0, 24, rows).tolist(),
        "carrier": random.choice(CATEGORIES, rows).tolist(),
        "holiday": (random.random(rows) < 0.1).tolist(),
    }
    matrix = encode(columns, FEATURES)
    late = (matrix[:, 1] > 15) ^ (matrix[:, 2] == 1)
    data = xgboost.DMatrix(
        matrix, late, feature_names=list(NAMES), feature_types=feature_types(FEATURES), enable_categorical=True
    )
    xgboost.train({"objective": "binary:logistic", "max_depth": 4, "nthread": 1}, data, 20).save_model(
        folder / "model.ubj"
    )
    ModelCard(
        loop=NAME,
        kind="xgboost",
        format="xgboost-ubj",
        model_file="model.ubj",
        features=FEATURES,
        labels=("on_time", "late"),
        files={"model.ubj": sha256_of(folder / "model.ubj")},
    ).write(folder)
