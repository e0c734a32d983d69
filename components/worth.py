"""worth: what a loop's answers were worth month by month, beside never retraining and retraining every month."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np

from components import metrics
from components.estimators import fit, positive
from components.evaluate import score_folder
from components.frame import features_of, read_columns, read_rows
from components.metrics import Scores
from components.plan import Trial
from components.registry import Version
from components.train import Result
from contracts.loop import LoopSpec
from contracts.window import Window
from feature_store.contract import LABEL, ROW_ID, DataContract

MONTHS_BEFORE = 2
"""What retraining every month trains on."""


@dataclass(frozen=True)
class Baseline:
    """ROC AUC of one month's labelled rows, if there were no loop."""

    month: Window
    never: float
    monthly: float


def recipe_of(version: Version) -> Result:
    """How a registered version was fitted: kind and parameters."""
    params = {name.removeprefix("param."): value for name, value in version.tags.items() if name.startswith("param.")}
    trial = Trial(number=0, kind=version.tags["kind"], params={name: _number(text) for name, text in params.items()})
    return Result(trial=trial, roc_auc=0, log_loss=0, seconds=0)


def baselines(
    spec: LoopSpec, contract: DataContract, frame: Path, first: Path, recipe: Result, window: Window
) -> Iterator[Baseline]:
    """Each month of the window. `first`: folder of the version that is never retrained."""
    for month in window.months():
        rows, never = score_folder(frame, month, first, spec.train.threads)
        monthly = _refitted(spec, contract, frame, month, recipe)
        yield Baseline(month, metrics.roc_auc(rows.labels, never), metrics.roc_auc(rows.labels, monthly))


def _refitted(spec: LoopSpec, contract: DataContract, frame: Path, month: Window, recipe: Result) -> Scores:
    """The month's scores by a model of the same recipe, fitted on the months before."""
    before = Window(_before(month.start), month.start)
    features, train = features_of(frame, contract, before), spec.train
    rows = read_rows(frame, features, before)
    model = fit(recipe.trial.kind, recipe.trial.params, rows, features, train.seed, train.threads)
    return positive(model, read_rows(frame, features, month).matrix)


def loop_auc(frame: Path, month: Window, answered: Mapping[str, float]) -> float | None:
    """ROC AUC of a month's answers, row → score; None if they are of fewer than two classes."""
    found = read_columns(frame, [ROW_ID, LABEL], month)
    scores = found[ROW_ID].map(answered).to_numpy(dtype=np.float64)
    there = np.isfinite(scores)
    labels = found[LABEL].to_numpy()[there].astype(np.int8)
    return metrics.roc_auc(labels, scores[there]) if len(np.unique(labels)) > 1 else None


def _before(start: date) -> date:
    month = start.year * 12 + start.month - 1 - MONTHS_BEFORE
    return date(month // 12, month % 12 + 1, 1)


def _number(text: str) -> float | int | str:
    try:
        found = json.loads(text)
    except ValueError:
        return text
    return found if isinstance(found, int | float) else text
