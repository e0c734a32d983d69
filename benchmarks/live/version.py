"""Registered versions, by the steps' own functions: trained, judged, registered."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from components import register
from components.evaluate import evaluate
from components.plan import Trial
from components.registry import Version
from components.select import select
from components.tracking import TAG, Tracking
from components.train import Result
from contracts.loop import LoopSpec
from contracts.settings import Settings
from contracts.window import Window
from feature_store.contract import load


@dataclass(frozen=True)
class Rows:
    """Days of a frame."""

    frame: Path
    window: Window


def registered(
    settings: Settings, spec: LoopSpec, name: str, trial: Trial, training: Rows, holdout: Rows, place: Path
) -> Version:
    """A version of a recipe. What the gate says is noted with it and stops nothing: a canary is asked, not the gate."""
    contract, folder, judged = load(spec.name), place / name, place / f"{name}.json"
    folder.mkdir(parents=True)
    result = Result(trial=trial, roc_auc=0.5, log_loss=0.0, seconds=0.0)  # no search was made: only the trial is read
    select(spec, contract, training.frame, training.window, result, folder)
    found = evaluate(spec, contract, holdout.frame, holdout.window, folder, None, None).evaluation
    judged.write_text(found.model_dump_json())
    run_id = Tracking(settings.mlflow_tracking_uri).open_run(spec.name, name, {f"{TAG}pipeline_run": name})
    return register.run(settings, folder, judged, result.model_dump_json(), run_id)
