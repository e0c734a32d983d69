"""What the loop is compared with: models that a calendar retrains, with no gate, no delay and labels known at once."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import date, timedelta

from components import metrics
from components.estimators import fit, positive
from components.frame import features_of, read_rows
from components.train import Result
from contracts.loop import LoopSpec
from contracts.window import Window
from worth.models import Workshop

Training = Callable[[date], Window]
"""First day of a month → what a rival trains on to answer it."""


def two_months(month: date) -> Window:
    """The two months before."""
    return Window(_before(_before(month)), month)


def everything(month: date) -> Window:
    """Everything before."""
    return Window(date(month.year, 1, 1), month)


def monthly(workshop: Workshop, spec: LoopSpec, recipe: Result, training: Training, months: list[date]) -> list[float]:
    """ROC AUC of each month, answered by a model that is fitted for it."""
    return [_auc(workshop, spec, recipe, training(month), Window(month, _after(month))) for month in months]


def _auc(workshop: Workshop, spec: LoopSpec, recipe: Result, training: Window, month: Window) -> float:
    """As `select` fits, without the folder; the figure is kept."""
    what = f"{recipe.trial.to_json()} {spec.train.seed} {spec.train.threads} {training} {month}"
    path = workshop.folder / f"rival-{hashlib.sha256(what.encode()).hexdigest()[:16]}.json"
    if not path.exists():
        features = features_of(workshop.frame, workshop.contract, training)
        rows = read_rows(workshop.frame, features, training)
        model = fit(recipe.trial.kind, recipe.trial.params, rows, features, spec.train.seed, spec.train.threads)
        asked = read_rows(workshop.frame, features, month)
        path.write_text(json.dumps(metrics.roc_auc(asked.labels, positive(model, asked.matrix))))
    return float(json.loads(path.read_text()))


def _before(month: date) -> date:
    return (month - timedelta(days=1)).replace(day=1)


def _after(month: date) -> date:
    return (month + timedelta(days=32)).replace(day=1)
