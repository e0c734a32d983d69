"""What the drift service would tell of one version's windows: the real detector and the real judgement, in memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from contracts.events import Drift, Performance
from contracts.loop import LoopSpec
from contracts.model import ModelCard
from feature_store.contract import EVENT_TIME
from serving.drift.detect import detect
from serving.drift.evidence import DriftReport
from serving.drift.performance import judge
from serving.drift.reference import SCORE, Reference
from serving.drift.scipy_backend import ScipyBackend
from worth.models import Model
from worth.traffic import Traffic


@dataclass(frozen=True)
class Told:
    """A drift event, and when it can be told at the earliest."""

    moment: datetime
    drift: Drift


@dataclass(frozen=True)
class Version:
    """A model that serves from some row on."""

    number: int
    model: Model
    expected: float
    """ROC AUC on its holdout."""
    first: int
    """The row it serves first."""
    scores: npt.NDArray[np.float64]
    """Of every row of the traffic."""
    reference: Reference


def version(spec: LoopSpec, traffic: Traffic, number: int, model: Model, expected: float, first: int) -> Version:
    """A version with the scores it would give to every row."""
    scores = model.scores(traffic.rows, spec.train.threads)
    return Version(number, model, expected, first, scores, model.reference(spec))


def windows(spec: LoopSpec, traffic: Traffic, serving: Version) -> Iterator[Told]:
    """What would be told of its windows were it to serve to the end, in the order of the moments.

    Of each window twice: when it is full, and when enough of its labels have come.
    """
    rows = spec.drift.window_rows
    waiting: list[Told] = []
    for index, start in enumerate(range(serving.first, len(traffic.rows) - rows + 1, rows)):
        part = slice(start, start + rows)
        full = Told(traffic.end(part), _drift(spec, traffic, serving, part, f"{serving.number}-{index:06d}", None))
        ready = [told for told in waiting if told.moment <= full.moment]
        waiting = [told for told in waiting if told.moment > full.moment]
        yield from (*ready, full)
        if moment := traffic.labelled_at(part, spec.drift.min_labelled_share):
            waiting.append(_with_labels(spec, traffic, serving, part, full.drift, max(moment, full.moment)))
    yield from waiting


def _with_labels(
    spec: LoopSpec, traffic: Traffic, serving: Version, part: slice, drift: Drift, moment: datetime
) -> Told:
    there, labels = traffic.labels(part, moment)
    found = judge(labels, serving.scores[part][there], serving.expected, spec.drift)
    fell = found is not None and found.fell
    reasons = (*drift.reasons, *(["The performance fell."] if fell else []))
    changes = {"performance": found, "reasons": reasons, "verdict": "drift" if fell else drift.verdict}
    return Told(moment, drift.model_copy(update=changes))


def _drift(
    spec: LoopSpec, traffic: Traffic, serving: Version, part: slice, name: str, performance: Performance | None
) -> Drift:
    report = _report(spec, traffic, serving, part)
    return Drift(
        loop=spec.name,
        window_id=name,
        window=name,
        model_version=str(serving.number),
        start=traffic.rows[EVENT_TIME].iloc[part.start].to_pydatetime(),
        end=traffic.end(part),
        rows=part.stop - part.start,
        features=(),
        scores=(),
        drifted_importance=report.drifted_importance,
        performance=performance,
        reasons=report.reasons,
        verdict="drift" if report.reasons else "warning" if report.warning else "none",
    )


def _report(spec: LoopSpec, traffic: Traffic, serving: Version, part: slice) -> DriftReport:
    names = [feature.name for feature in ModelCard.read(serving.model.folder).features]
    rows = traffic.rows.iloc[part][names].assign(**{SCORE: serving.scores[part]})
    table = pa.Table.from_pandas(rows, preserve_index=False)
    return detect(serving.reference, table, ScipyBackend(), spec.drift.reason_share)
