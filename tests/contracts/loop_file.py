"""A loop's file, and what loading it fails with."""

from __future__ import annotations

from pathlib import Path

import pytest

from contracts.errors import ConfigError
from contracts.loop import LoopSpec

TOML = """
[data]
source = "trips"

[train]
trials = 3

[train.space.xgboost]
n_estimators = [200, 300]
learning_rate = [0.1, 1.0]
max_features = ["sqrt", 5]
"""


def written(folder: Path, text: str = TOML, name: str = "trips") -> Path:
    """A loop's file."""
    path = folder / f"{name}.toml"
    path.write_text(text)
    return path


def refusal(folder: Path, text: str, *overrides: str) -> str:
    """What loading a file fails with."""
    with pytest.raises(ConfigError) as caught:
        LoopSpec.load(written(folder, text), overrides)
    return str(caught.value)
