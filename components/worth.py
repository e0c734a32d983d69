"""worth: what a loop's answers were worth month by month, beside never retraining and retraining every month."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from components import metrics
from components.evaluate import score_folder
from components.frame import read_columns
from components.plan import Trial
from components.registry import Version
from components.select import select
from components.train import Result
from contracts.loop import LoopSpec
from contracts.window import Window
from feature_store.contract import LABEL, ROW_ID, DataContract

MONTHS_BEFORE = 2
"""What retraining every month trains on."""


@dataclass(frozen=True)
class Worth:
    """ROC AUC of one month's labelled rows, by who answered them."""

    month: Window
    never: float
    monthly: float
    loop: float | None
    """None if the loop answered fewer than two classes of them."""
    seconds: float
    """What the month's model took to fit."""


def recipe_of(version: Version) -> Result:
    """How a registered version was fitted: kind and parameters."""
    params = {name.removeprefix("param."): value for name, value in version.tags.items() if name.startswith("param.")}
    trial = Trial(number=0, kind=version.tags["kind"], params={name: _number(text) for name, text in params.items()})
    return Result(trial=trial, roc_auc=0, log_loss=0, seconds=0)


def worth(
    spec: LoopSpec,
    contract: DataContract,
    frame: Path,
    first: Path,
    recipe: Result,
    answered: Mapping[str, float],
    window: Window,
    on_month: Callable[[Window], None],
) -> Iterator[Worth]:
    """Each month of the window. `first`: folder of the version that is never retrained; `answered`: row → score."""
    from time import perf_counter

    for month in window.months():
        on_month(month)
        rows, never = score_folder(frame, month, first, spec.train.threads)
        started = perf_counter()
        with TemporaryDirectory() as folder:
            select(spec, contract, frame, Window(_before(month.start), month.start), recipe, Path(folder))
            seconds = perf_counter() - started
            _, monthly = score_folder(frame, month, Path(folder), spec.train.threads)
        yield Worth(
            month,
            metrics.roc_auc(rows.labels, never),
            metrics.roc_auc(rows.labels, monthly),
            loop_auc(frame, month, answered),
            seconds,
        )


def loop_auc(frame: Path, month: Window, answered: Mapping[str, float]) -> float | None:
    """Of the rows that were answered."""
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
