"""select: the best trial, fitted again on the whole training window, becomes the challenger."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from components.bundle import write_bundle
from components.estimators import fit, positive
from components.frame import count_rows, features_of, read_places, read_rows
from components.importance import shares
from components.output import whole
from components.train import Result
from contracts.loop import LoopSpec
from contracts.model import ModelCard
from contracts.window import Window
from feature_store.contract import ROW_ID, DataContract, load
from feature_store.matrix import encode

SCORE = "score"
"""Column of the reference sample: the model's probability of the last class."""


def rank(results: list[Result], metric: str) -> list[Result]:
    """Best first; of equals, the earlier trial."""
    return sorted(results, key=lambda result: (-result.score(metric), result.trial.number))


def select(
    spec: LoopSpec, contract: DataContract, frame: Path, window: Window, best: Result, folder: Path
) -> ModelCard:
    """Fit the best trial on every labelled row of the window and write the challenger's folder.

    The reference is a sample of all rows, those too whose outcome never came: live traffic has them, and a cancelled
    flight is not like one that landed.
    """
    features = features_of(frame, contract, window)
    rows = read_rows(frame, features, window)
    model = fit(best.trial.kind, best.trial.params, rows, features, spec.train.seed, spec.train.final_threads)
    chosen = _sample(count_rows(frame, window), spec.drift.reference_rows, spec.train.seed)
    asked = read_places(frame, [ROW_ID, *(feature.name for feature in features)], window, chosen)
    sample = encode({feature.name: asked[feature.name] for feature in features}, features)
    reference = asked.assign(**{SCORE: positive(model, sample)})
    carried = shares(model, sample, features, spec.train.seed)
    kind, labels = best.trial.kind, contract.labels
    return write_bundle(folder, spec.name, kind, model, features, labels, reference, spec.drift, carried)


def _sample(count: int, wanted: int, seed: int) -> np.typing.NDArray[np.int64]:
    generator = np.random.default_rng(seed)
    return np.sort(generator.choice(count, size=min(wanted, count), replace=False))


def run(
    spec: LoopSpec, frame: Path, window: Window, results: list[str], folder: Path, page: Path
) -> tuple[Result, ModelCard]:
    """The step: rank the trials, write the leaderboard, fit the challenger."""
    from components.report import leaderboard_page

    ranked = rank([Result.model_validate_json(result) for result in results], spec.train.metric)
    with whole(folder) as partial:
        card = select(spec, load(spec.name), frame, window, ranked[0], partial)
    with whole(page) as partial:
        partial.write_text(leaderboard_page(spec.name, spec.train.metric, ranked))
    return ranked[0], card
