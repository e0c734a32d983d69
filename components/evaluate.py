"""evaluate: champion and challenger on the same recent labelled rows, and the gate's verdict."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from pydantic import BaseModel, ConfigDict

from components import metrics
from components.estimators import positive
from components.frame import Rows, read_columns, read_rows
from components.metrics import Interval, Labels, Scores
from components.output import whole
from components.registry import Registry, Version
from components.tracking import TAG, Tracking
from contracts.formats import load
from contracts.loop import GateSpec, LoopSpec
from contracts.model import CHAMPION, ModelCard
from contracts.objects import ObjectStore
from contracts.settings import Settings
from contracts.window import Window
from feature_store.contract import DataContract
from feature_store.contract import load as load_contract


class Slice(BaseModel):
    """One value of one slicing column."""

    model_config = ConfigDict(frozen=True)
    column: str
    value: str
    rows: int
    positive_share: float
    roc_auc: float
    champion_roc_auc: float | None


class Evaluation(BaseModel):
    """Everything the gate looked at, and what it said."""

    model_config = ConfigDict(frozen=True)
    window: str
    rows: int
    positive_share: float
    roc_auc: float
    log_loss: float
    champion: str | None
    champion_roc_auc: float | None = None
    champion_log_loss: float | None = None
    metric: str
    difference: float | None = None
    difference_low: float | None = None
    difference_high: float | None = None
    slices: tuple[Slice, ...]
    accepted: bool
    reasons: tuple[str, ...]


class Judged(BaseModel):
    """An evaluation with the scores that its pictures are drawn from."""

    model_config = ConfigDict(frozen=True, arbitrary_types_allowed=True)
    evaluation: Evaluation
    classes: tuple[str, ...]
    labels: Labels
    challenger: Scores
    champion: Scores | None

    def roc_curve(self) -> tuple[list[float], list[float], list[float]]:
        """False and true positive rates and thresholds of the challenger."""
        return metrics.roc_curve(self.labels, self.challenger)

    def confusion_matrix(self) -> tuple[list[str], list[list[int]]]:
        """Class names, and counts [actual][predicted] when the likelier class is predicted."""
        return list(self.classes), metrics.confusion(self.labels, self.challenger, 0.5)


def evaluate(
    spec: LoopSpec,
    contract: DataContract,
    frame: Path,
    window: Window,
    challenger: Path,
    champion: Path | None,
    champion_name: str | None,
) -> Judged:
    """Score both folders on the window's labelled rows and judge. Both were verified when they were read."""
    rows, scores = score_folder(frame, window, challenger, spec.train.threads)
    other = score_folder(frame, window, champion, spec.train.threads)[1] if champion else None
    interval = _interval(spec, rows.labels, scores, other)
    slices = _slices(contract, frame, window, rows.labels, scores, other, spec.gate.min_slice_rows)
    area, loss = metrics.roc_auc(rows.labels, scores), metrics.log_loss(rows.labels, scores)
    problems = judge(spec.gate, area, loss, interval, slices)
    same = champion is not None and _model_sha256(champion) == _model_sha256(challenger)
    evaluation = Evaluation(
        window=str(window),
        rows=len(rows.labels),
        positive_share=float(np.mean(rows.labels)),
        roc_auc=area,
        log_loss=loss,
        champion=champion_name,
        metric=spec.train.metric,
        slices=slices,
        accepted=not problems,
        champion_roc_auc=None if other is None else metrics.roc_auc(rows.labels, other),
        champion_log_loss=None if other is None else metrics.log_loss(rows.labels, other),
        difference=interval.difference if interval else None,
        difference_low=interval.low if interval else None,
        difference_high=interval.high if interval else None,
        reasons=problems or (_praise(champion_name, same),),
    )
    return Judged(evaluation=evaluation, classes=contract.labels, labels=rows.labels, challenger=scores, champion=other)


def score_folder(frame: Path, window: Window, folder: Path, threads: int) -> tuple[Rows, Scores]:
    """The window's labelled rows as a folder's model sees them, and its scores. IntegrityError if it was changed."""
    card = ModelCard.read(folder)
    card.verify(folder)
    rows = read_rows(frame, card.features, window)
    return rows, positive(load(folder, card, threads), rows.matrix)


def judge(
    gate: GateSpec, roc_auc: float, log_loss: float, interval: Interval | None, slices: tuple[Slice, ...]
) -> tuple[str, ...]:
    """Why a challenger may not pass; empty if it may."""
    problems = []
    if not roc_auc >= gate.min_roc_auc:
        problems.append(f"ROC AUC {roc_auc:.4f} is below gate.min_roc_auc = {gate.min_roc_auc}.")
    if not log_loss <= gate.max_log_loss:
        problems.append(f"Log loss {log_loss:.4f} is above gate.max_log_loss = {gate.max_log_loss}.")
    problems += [
        f"ROC AUC {part.roc_auc:.4f} where {part.column} = {part.value} ({part.rows} rows) "
        f"is below gate.min_slice_roc_auc = {gate.min_slice_roc_auc}."
        for part in slices
        if not part.roc_auc >= gate.min_slice_roc_auc
    ]
    if interval is not None and not interval.low >= -gate.tolerance:
        problems.append(
            f"It may be worse than the champion: the difference lies in [{interval.low:+.4f}, {interval.high:+.4f}], "
            f"gate.tolerance = {gate.tolerance}."
        )
    return tuple(problems)


def _interval(spec: LoopSpec, labels: Labels, challenger: Scores, champion: Scores | None) -> Interval | None:
    if champion is None:
        return None
    gate = spec.gate
    return metrics.difference(
        spec.train.metric, labels, challenger, champion, gate.bootstrap_samples, gate.confidence, spec.train.seed
    )


def _slices(
    contract: DataContract,
    frame: Path,
    window: Window,
    labels: Labels,
    challenger: Scores,
    champion: Scores | None,
    min_rows: int,
) -> tuple[Slice, ...]:
    values = read_columns(frame, list(contract.slices), window)
    found = []
    for column in contract.slices:
        for value, where in sorted(values.groupby(column).indices.items()):
            if len(where) < min_rows or len(np.unique(labels[where])) < 2:
                continue
            other = None if champion is None else metrics.roc_auc(labels[where], champion[where])
            area = metrics.roc_auc(labels[where], challenger[where])
            share = float(np.mean(labels[where]))
            found.append(
                Slice(
                    column=column,
                    value=str(value),
                    rows=len(where),
                    positive_share=share,
                    roc_auc=area,
                    champion_roc_auc=other,
                )
            )
    return tuple(found)


def _praise(champion: str | None, same: bool) -> str:
    if champion is None:
        return "All floors hold; there is no champion yet."
    if same:
        return f"The very same model as champion {champion}."
    return f"All floors hold, and it is not worse than champion {champion} beyond the tolerance."


def _model_sha256(folder: Path) -> str:
    return ModelCard.read(folder).model_sha256


def run(
    settings: Settings, spec: LoopSpec, frame: Path, window: Window, challenger: Path, run_id: str, page: Path
) -> Judged:
    """The step: fetch the champion, compare, write the page, record the verdict; a rejection ends the MLflow run."""
    from components.report import evaluation_page

    tracking = Tracking(settings.mlflow_tracking_uri)
    champion = Registry(tracking).find(f"{spec.name}@{CHAMPION}")
    with TemporaryDirectory() as temporary, whole(page) as partial:
        folder = _fetch(champion, ObjectStore(settings), Path(temporary)) if champion else None
        name = f"{spec.name}/{champion.number}" if champion else None
        judged = evaluate(spec, load_contract(spec.name), frame, window, challenger, folder, name)
        partial.write_text(evaluation_page(spec.name, judged))
    _record(judged.evaluation, tracking, run_id)
    return judged


def _fetch(version: Version, store: ObjectStore, folder: Path) -> Path:
    store.get_folder(version.model_uri, folder)
    ModelCard.read(folder).verify(folder, version.card_sha256)
    return folder


def _record(evaluation: Evaluation, tracking: Tracking, run_id: str) -> None:
    tracking.log(run_id, {}, {"holdout_roc_auc": evaluation.roc_auc, "holdout_log_loss": evaluation.log_loss})
    verdict = "accepted" if evaluation.accepted else "rejected"
    tracking.tag(run_id, {f"{TAG}verdict": verdict, f"{TAG}reasons": " ".join(evaluation.reasons)})
    if not evaluation.accepted:
        tracking.end(run_id, "FINISHED")
