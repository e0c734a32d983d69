"""train: one trial, fitted on the window without its last days and scored on those."""

from __future__ import annotations

from pathlib import Path
from time import perf_counter

from pydantic import BaseModel, ConfigDict

from components import metrics
from components.estimators import fit, positive
from components.frame import features_of, read_rows
from components.plan import Trial
from components.split import Split
from components.tracking import TAG, Tracking
from contracts.loop import LoopSpec
from contracts.settings import Settings
from contracts.window import Window
from feature_store.contract import DataContract, load


class Result(BaseModel):
    """How a trial did on the validation days."""

    model_config = ConfigDict(frozen=True)
    trial: Trial
    roc_auc: float
    log_loss: float
    seconds: float

    def score(self, metric: str) -> float:
        """By the loop's metric, greater is better."""
        return self.roc_auc if metric == "roc_auc" else -self.log_loss


def train(spec: LoopSpec, contract: DataContract, frame: Path, window: Window, trial: Trial) -> Result:
    """Fit and score one trial."""
    split, search = Split.of(window, spec.train.validation_days), spec.train
    features = features_of(frame, contract, split.fitting)
    started = perf_counter()
    rows = read_rows(frame, features, split.fitting)
    if search.trial_rows:
        rows = rows.drawn(search.trial_rows, search.seed)
    model = fit(trial.kind, trial.params, rows, features, search.seed, search.threads)
    seconds = perf_counter() - started
    held_out = read_rows(frame, features, split.validation)
    scores = positive(model, held_out.matrix)
    return Result(
        trial=trial,
        roc_auc=metrics.roc_auc(held_out.labels, scores),
        log_loss=metrics.log_loss(held_out.labels, scores),
        seconds=seconds,
    )


def record(result: Result, spec: LoopSpec, tracking: Tracking, parent: str) -> None:
    """Log a trial as a child run of its pipeline run."""
    trial = result.trial
    run_id = tracking.open_run(
        spec.name, f"trial-{trial.number}-{trial.kind}", {f"{TAG}trial": str(trial.number)}, parent
    )
    values = {
        "validation_roc_auc": result.roc_auc,
        "validation_log_loss": result.log_loss,
        "fit_seconds": result.seconds,
    }
    tracking.log(run_id, {"kind": trial.kind, **trial.params}, values)
    tracking.end(run_id, "FINISHED")


def run(settings: Settings, spec: LoopSpec, frame: Path, window: Window, trial: str, run_id: str) -> Result:
    """The step: one trial, fitted, scored and logged."""
    result = train(spec, load(spec.name), frame, window, Trial.model_validate_json(trial))
    record(result, spec, Tracking(settings.mlflow_tracking_uri), run_id)
    return result
