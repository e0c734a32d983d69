"""Make a model's fast form and hold it against the model: it serves only if nobody could tell the difference."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from components.fast_form.boosters import booster_graph
from components.fast_form.ensemble import UnknownModelError
from components.fast_form.graph import Graph
from components.fast_form.pipelines import estimator_graph
from components.fast_form.probes import probes
from contracts.errors import IntegrityError
from contracts.fast import NEAR_TIE, FastModel, runtime
from contracts.formats import BoosterClassifier, Classifier, EstimatorClassifier
from contracts.model import FastForm, Feature
from feature_store.matrix import Matrix

FILE = "model.onnx"


@dataclass(frozen=True)
class Made:
    """What came of it: the file's bytes and their record, or why there is none."""

    body: bytes = b""
    form: FastForm | None = None
    reason: str | None = None


def make(model: Classifier, features: tuple[Feature, ...], outputs: int, reference: Matrix, seed: int = 0) -> Made:
    """The fast form of a model with so many outputs, verified on the reference and on made-up rows.

    The same arguments give the same bytes. A model that has none is not an error: it is served as it is.
    """
    try:
        graph = _graph(model, len(features))
        body = graph.to_bytes(outputs)
        missing = accepts_missing(model, len(features))
        rows = probes(reference, features, graph.thresholds, missing, seed)
        difference = compare(model, FastModel(body), rows)
    except (UnknownModelError, IntegrityError) as error:
        return Made(reason=f"It has no fast form: {error}")
    return Made(
        body,
        FastForm(
            file=FILE,
            runtime=runtime(),
            rows=len(rows),
            greatest_difference=difference,
            accepts_missing=missing,
            native_above=graph.native_above,
        ),
    )


def compare(model: Classifier, fast: FastModel, rows: Matrix) -> float:
    """The greatest difference of any output. UnknownModelError tells the first row with too great a one.

    A probability may differ by NEAR_TIE, a number by that share of it if it is above 1. Labels must be equal but where
    the two most probable are as near to each other as that.
    """
    expected, found = model.probabilities(rows), fast.probabilities(rows)
    if expected.shape != found.shape:
        raise UnknownModelError(f"it answers {found.shape} where the model answers {expected.shape}")
    differences = np.abs(expected.astype(np.float64) - found)
    wrong = ~(differences <= NEAR_TIE * np.maximum(1, np.abs(expected))).all(axis=1)
    if expected.shape[1] > 1:
        best = np.partition(expected, -2, axis=1)[:, -2:]
        wrong |= (expected.argmax(axis=1) != found.argmax(axis=1)) & (best[:, 1] - best[:, 0] > NEAR_TIE)
    if wrong.any():
        row = int(np.argmax(wrong))
        raise UnknownModelError(
            f"it answers {found[row].tolist()} where the model answers {expected[row].tolist()},"
            f" for {rows[row].tolist()} and {int(wrong.sum()) - 1} more of {len(rows)} rows"
        )
    return float(differences.max())


def accepts_missing(model: Classifier, features: int) -> bool:
    """Ask the model itself: an estimator that has no place for missing values refuses them with ValueError."""
    try:
        model.probabilities(np.full((1, features), np.nan, dtype=np.float32))
    except ValueError:
        return False
    return True


def _graph(model: Classifier, features: int) -> Graph:
    if isinstance(model, BoosterClassifier):
        return booster_graph(model.booster)
    if isinstance(model, EstimatorClassifier):
        return estimator_graph(model.estimator, features)
    raise UnknownModelError(f"the model is a {type(model).__name__}")
