"""refit: an accepted challenger's recipe, fitted again on the holdout's days too, so that the newest are not lost.

The gate has judged the recipe on those days. What is registered has learned from them, and proves itself as a canary.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from components.output import whole
from components.select import select
from components.tracking import TAG, Tracking
from components.train import Result
from contracts.errors import ConfigError
from contracts.loop import LoopSpec
from contracts.model import ModelCard
from contracts.settings import Settings
from contracts.window import Window
from feature_store.contract import load


def run(
    settings: Settings,
    spec: LoopSpec,
    frame: Path,
    window: Window,
    best: str,
    challenger: Path,
    mode: str,
    run_id: str,
    folder: Path,
) -> ModelCard:
    """The step: the folder to register. `mode`: `yes` fits again on the window, `no` takes the challenger as it is."""
    if mode not in ("yes", "no"):
        raise ConfigError(f"refit is {mode!r}.", "Choose yes or no.")
    with whole(folder) as partial:
        if mode == "no":
            shutil.copytree(challenger, partial, dirs_exist_ok=True)
            return ModelCard.read(partial)
        card = select(spec, load(spec.name), frame, window, Result.model_validate_json(best), partial)
    Tracking(settings.mlflow_tracking_uri).tag(run_id, {f"{TAG}fitted_window": str(window)})
    return card
