"""canary: logged rows become requests, and both models score them as the predictor had."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from components.canary import Canary, Model, arm
from components.plan import Trial
from components.select import select
from components.train import Result
from contracts.loop import LoopSpec
from contracts.window import Window
from feature_store.contract import DataContract
from tests.components.rollout_log import ANSWERS, LABELS, MemoryLog, logged, model

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def one(frame: Path, contract: DataContract, spec: LoopSpec, tmp_path_factory: pytest.TempPathFactory) -> Model:
    """A model."""
    folder = tmp_path_factory.mktemp("canary")
    trial = Trial(number=0, kind="xgboost", params={"n_estimators": 10, "max_depth": 3})
    best = Result(trial=trial, roc_auc=0.8, log_loss=0.5, seconds=1)
    select(spec, contract, frame, Window.parse("2013-01-01", "2013-02-01"), best, folder)
    return model(folder, "1")


def test_rows_of_a_request_count_once() -> None:
    """Same event and very same time: one request, failed if any row is. Rows without a time are each their own."""
    rows = pa.table(
        {
            "row_id": ["a", "b", "c", "d", "e", "f"],
            "event_id": ["1", "1", "1", "2", "2", "2"],
            "seconds": [0.01, 0.01, 0.02, 0.01, 0.0, 0.0],
            "score": pa.array([0.1, None, 0.3, 0.4, None, None], pa.float64()),
            "error": pa.array([None, "broke", None, None, "broke", "broke"], pa.string()),
        }
    )
    found = arm(rows)
    assert found.rows == 6
    assert sorted(found.seconds.tolist()) == [0.0, 0.0, 0.01, 0.01, 0.02]
    assert int(found.failed.sum()) == 3
    assert found.scores.tolist() == [0.1, 0.3, 0.4]
    assert arm(ANSWERS.empty_table()).rows == 0


def test_both_models_score_every_answered_row(one: Model, frame: Path) -> None:
    """What was logged is what the model gives; labels find their rows by id; a row that failed has no part."""
    ours, theirs = logged(one, frame, 40, seed=1, error_share=0.3), logged(one, frame, 60, seed=2)
    known = pa.table({"row_id": ["1-2-0", "1-2-1", "elsewhere"], "label": ["late", "on_time", "late"]})
    other = Model("2", one.card, one.classifier)
    _, _, shadow = Canary(MemoryLog([{"1": ours, "2": theirs}], known.cast(LABELS)), one, other).compare(NOW)
    assert shadow is not None
    answered = 40 - ours["score"].null_count
    assert len(shadow.strayed) == answered < 40
    assert float(shadow.strayed.max()) == 0
    assert len(shadow.canary) == len(shadow.labels) == answered + 60
    np.testing.assert_array_equal(shadow.canary, shadow.stable)
    assert shadow.labels[answered : answered + 2].tolist() == [
        one.card.labels.index("late"),
        one.card.labels.index("on_time"),
    ]
    assert set(shadow.labels.tolist()) == {-1, 0, 1}


def test_other_features_and_other_types(one: Model, frame: Path) -> None:
    """Rows that lack a feature are left out; numbers that a client once sent as text are numbers still."""
    ours = logged(one, frame, 40, seed=1)
    place = ours.column_names.index("temp")
    ours = ours.set_column(place, "temp", ours["temp"].cast(pa.string()))
    theirs = logged(one, frame, 60, seed=2).drop_columns(["temp"])
    canary = Canary(MemoryLog([{"1": ours, "2": theirs}]), one, Model("2", one.card, one.classifier))
    _, stable, shadow = canary.compare(NOW)
    assert shadow is not None
    assert (len(shadow.canary), stable.rows) == (40, 60)
    assert float(shadow.strayed.max()) == 0
    swapped = Canary(MemoryLog([{"1": ours, "2": theirs}]), Model("2", one.card, one.classifier), one)
    assert swapped.compare(NOW)[2] is None
