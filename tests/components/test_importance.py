"""importance: what a model hangs on carries it, and nothing else does."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from components.estimators import fit
from components.frame import features_of, read_rows
from components.importance import shares
from components.plan import Trial
from components.select import select
from components.train import Result
from contracts.loop import LoopSpec
from contracts.window import Window
from feature_store.contract import DataContract

WINDOW = Window.parse("2013-01-01", "2013-02-01")
KINDS: dict[str, dict[str, float | int | str]] = {
    "xgboost": {"n_estimators": 20, "max_depth": 3},
    "hist_gradient_boosting": {"max_iter": 20},
    "logistic_regression": {"C": 1.0},
    "random_forest": {"n_estimators": 10, "max_depth": 4},
}


@pytest.mark.parametrize("kind", KINDS)
def test_what_the_label_hangs_on_carries_most(frame: Path, contract: DataContract, kind: str) -> None:
    """Shares of every feature that sum to one, the label's own causes first; the same again."""
    features = features_of(frame, contract, WINDOW)
    rows = read_rows(frame, features, WINDOW)
    model = fit(kind, KINDS[kind], rows, features, seed=3, threads=1)
    found = shares(model, rows.matrix, features, seed=1)
    assert list(found) == [feature.name for feature in features]
    assert sum(found.values()) == pytest.approx(1, abs=1e-4)
    ranked = sorted(found, key=lambda name: -found[name])
    assert ranked[0] == "origin_delay_mean_3h"
    assert ranked[1] == "temp"
    assert min(found.values()) >= 0
    assert shares(model, rows.matrix, features, seed=1) == found


def test_a_model_that_looks_at_nothing(frame: Path, contract: DataContract) -> None:
    """No splits, no shares."""
    features = features_of(frame, contract, WINDOW)
    rows = read_rows(frame, features, WINDOW)
    model = fit("xgboost", {"n_estimators": 2, "gamma": 1e9}, rows, features, seed=3, threads=1)
    assert set(shares(model, rows.matrix, features, seed=1).values()) == {0.0}


def test_it_stands_beside_the_model(frame: Path, contract: DataContract, spec: LoopSpec, tmp_path: Path) -> None:
    """drift.json has the loop's drift settings and the shares, under a digest of the card."""
    best = Result(trial=Trial(number=0, kind="xgboost", params=KINDS["xgboost"]), roc_auc=0.8, log_loss=0.5, seconds=1)
    card = select(spec, contract, frame, WINDOW, best, tmp_path / "model")
    told = json.loads((tmp_path / "model" / "drift.json").read_text())
    assert told.pop("importance").keys() == {feature.name for feature in card.features}
    assert told == spec.drift.model_dump(mode="json")
    assert "drift.json" in card.files
