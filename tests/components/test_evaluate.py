"""evaluate: champion and challenger on the same rows; the gate says why."""

from __future__ import annotations

from pathlib import Path

import pytest

from components.evaluate import Slice, evaluate, judge
from components.metrics import Interval
from components.plan import Trial
from components.report import evaluation_page
from components.select import select
from components.train import Result
from contracts.errors import IntegrityError
from contracts.loop import GateSpec, LoopSpec
from contracts.window import Window
from feature_store.contract import DataContract

TRAINING = Window.parse("2013-01-01", "2013-01-22")
HOLDOUT = Window.parse("2013-01-22", "2013-02-01")
GATE = GateSpec(min_roc_auc=0.7, max_log_loss=0.6, min_slice_roc_auc=0.6, tolerance=0.01)


@pytest.mark.parametrize(
    ("roc_auc", "log_loss", "interval", "slice_roc_auc", "reason"),
    [
        (0.69, 0.5, None, 0.8, "ROC AUC 0.6900 is below gate.min_roc_auc = 0.7"),
        (float("nan"), 0.5, None, 0.8, "ROC AUC nan is below"),
        (0.8, 0.61, None, 0.8, "Log loss 0.6100 is above gate.max_log_loss = 0.6"),
        (0.8, 0.5, None, 0.59, "where origin = EWR (500 rows) is below gate.min_slice_roc_auc"),
        (0.8, 0.5, Interval(0.0, -0.02, 0.02), 0.8, "It may be worse than the champion"),
    ],
)
def test_each_bar_can_stop(
    roc_auc: float, log_loss: float, interval: Interval | None, slice_roc_auc: float, reason: str
) -> None:
    """Each floor alone rejects, and the reason has the figure and the bar."""
    problems = judge(GATE, roc_auc, log_loss, interval, (_slice(slice_roc_auc),))
    assert len(problems) == 1
    assert reason in problems[0]


def test_within_the_bars_it_passes() -> None:
    """On every bar exactly is good enough."""
    assert judge(GATE, 0.7, 0.6, Interval(0.0, -0.01, 0.02), (_slice(0.6),)) == ()


def test_the_first_model_needs_no_champion(frame: Path, contract: DataContract, spec: LoopSpec, good: Path) -> None:
    """Without a champion only the floors count."""
    judged = evaluate(spec, contract, frame, HOLDOUT, good, None, None)
    assert judged.evaluation.accepted
    assert judged.evaluation.difference is None
    assert judged.evaluation.rows == len(judged.labels)
    assert {part.column for part in judged.evaluation.slices} == {"origin", "carrier"}
    assert sum(part.rows for part in judged.evaluation.slices if part.column == "origin") == judged.evaluation.rows


def test_a_worse_challenger_is_rejected(
    frame: Path, contract: DataContract, spec: LoopSpec, good: Path, poor: Path
) -> None:
    """Against a better champion the paired interval lies below zero: rejected; the other way round accepted."""
    worse = evaluate(spec, contract, frame, HOLDOUT, poor, good, "flights/1").evaluation
    assert not worse.accepted
    assert worse.difference_high is not None
    assert worse.difference_high < 0
    better = evaluate(spec, contract, frame, HOLDOUT, good, poor, "flights/1").evaluation
    assert better.accepted
    assert better.difference == pytest.approx(-(worse.difference or 0))


def test_the_same_model_is_accepted_as_such(frame: Path, contract: DataContract, spec: LoopSpec, good: Path) -> None:
    """A retraining that changes nothing says so."""
    same = evaluate(spec, contract, frame, HOLDOUT, good, good, "flights/1").evaluation
    assert (same.accepted, same.difference) == (True, 0.0)
    assert "very same model" in same.reasons[0]


def test_a_changed_folder_is_not_scored(
    frame: Path, contract: DataContract, spec: LoopSpec, good: Path, tmp_path: Path
) -> None:
    """A model file that is not what its card says stops the evaluation."""
    import shutil

    changed = Path(shutil.copytree(good, tmp_path / "changed"))
    with (changed / "model.ubj").open("ab") as file:
        file.write(b" ")
    with pytest.raises(IntegrityError, match=r"model\.ubj has sha256"):
        evaluate(spec, contract, frame, HOLDOUT, changed, None, None)


def test_the_page(frame: Path, contract: DataContract, spec: LoopSpec, good: Path, poor: Path) -> None:
    """The page has the verdict, both models' figures, the interval, the pictures and the slices, and loads nothing."""
    judged = evaluate(spec, contract, frame, HOLDOUT, poor, good, "flights/1")
    page = evaluation_page("flights", judged)
    assert "rejected" in page
    assert f"{judged.evaluation.roc_auc:.4f}" in page
    assert f"{judged.evaluation.difference_low:+.4f}" in page
    assert page.count("<svg") == 3
    assert "carrier UA" in page
    assert not any(word in page for word in ("<script", "src=", "http-equiv"))
    assert page == evaluation_page("flights", judged)


@pytest.fixture(scope="module")
def good(frame: Path, contract: DataContract, spec: LoopSpec, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that has learnt what there is."""
    return _folder(frame, contract, spec, {"n_estimators": 40, "max_depth": 3}, tmp_path_factory)


@pytest.fixture(scope="module")
def poor(frame: Path, contract: DataContract, spec: LoopSpec, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of one small tree."""
    return _folder(frame, contract, spec, {"n_estimators": 1, "max_depth": 1}, tmp_path_factory)


def _folder(
    frame: Path,
    contract: DataContract,
    spec: LoopSpec,
    params: dict[str, float | int | str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    folder = tmp_path_factory.mktemp("model") / "model"
    trial = Trial(number=0, kind="xgboost", params=params)
    select(spec, contract, frame, TRAINING, Result(trial=trial, roc_auc=0.8, log_loss=0.5, seconds=1), folder)
    return folder


def _slice(roc_auc: float) -> Slice:
    return Slice(column="origin", value="EWR", rows=500, positive_share=0.2, roc_auc=roc_auc, champion_roc_auc=None)
