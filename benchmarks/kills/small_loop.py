"""The loop of flights with small windows and without retraining: the question is whether events arrive."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from contracts.loop import LoopSpec
from pipelines.compile import LOOPS

LOOP = "flights"
WINDOW_ROWS = 500
MIN_LABELLED_SHARE = 0.8
OVERRIDES = (
    f"drift.window_rows={WINDOW_ROWS}",
    f"drift.min_labelled_share={MIN_LABELLED_SHARE}",
    "drift.reference_rows=2000",
    "drift.fall=1.0",  # with the next: whatever drifts, no run is started but those that are to be killed
    "retrain.min_service_days=100000",
    "train.trials=2",
    "gate.bootstrap_samples=20",
)


def spec() -> LoopSpec:
    """The loop as the services and the pipeline are to have it."""
    return LoopSpec.load(LOOPS / f"{LOOP}.toml", OVERRIDES)


def write(folder: Path) -> Path:
    """The folder of loops for the services, with this one in it."""
    folder.mkdir(parents=True, exist_ok=True)
    body = json.loads(spec().to_json())
    del body["name"]
    (folder / f"{LOOP}.toml").write_text("\n".join(_lines(body, "")) + "\n")
    return folder


def _lines(body: dict[str, Any], name: str) -> list[str]:
    """TOML of tables, strings, numbers and lists of them, of which JSON's form is TOML's too."""
    values = [f"{key} = {json.dumps(value)}" for key, value in body.items() if not isinstance(value, dict)]
    tables = [
        line
        for key, value in body.items()
        if isinstance(value, dict)
        for line in _lines(value, f"{name}.{key}" if name else key)
    ]
    return ([f"[{name}]"] if name else []) + values + tables
