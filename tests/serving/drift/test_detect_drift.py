"""What the detector finds, what it leaves alone, and what it refuses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from drift_windows import AWKWARD_FEATURES, FLIGHT_FEATURES, awkward, flights
from scipy.stats import binom

from contracts.errors import DataError
from contracts.loop import DriftSpec
from contracts.model import Feature
from serving.drift.detect import detect
from serving.drift.evidence import ColumnDrift, DriftReport
from serving.drift.reference import Reference, prepare
from serving.drift.scipy_backend import ScipyBackend

SPEC = DriftSpec(p_value=0.01)
PAIR = (Feature(name="a"), Feature(name="b", categories=("x", "y")))


def _table(seed: int, rows: int, **other: Any) -> pa.Table:
    random = np.random.default_rng(seed)
    columns = {"a": random.normal(size=rows), "b": random.choice(["x", "y"], rows), "score": random.random(rows)}
    return pa.table(columns | other)


def _report(
    window: pa.Table, importance: Mapping[str, float] | None = None, reference: pa.Table | None = None
) -> DriftReport:
    known = prepare(_table(0, 2000) if reference is None else reference, PAIR, SPEC, importance)
    return detect(known, window, ScipyBackend())


def _feature(report: DriftReport, name: str) -> ColumnDrift:
    return next(column for column in report.features if column.name == name)


def _within(alarms: int, windows: int, chance: float) -> bool:
    low, high = binom.interval(0.999, windows, chance)
    return bool(low <= alarms <= high)


def test_false_alarms_of_score() -> None:
    """Without drift the score alarms as often as p says: half of it, for one of its two tests cannot be made."""
    reference = [prepare(_table(seed, 1000), PAIR, DriftSpec(p_value=0.1)) for seed in range(400)]
    alarms = sum(
        detect(known, _table(5000 + seed, 200), ScipyBackend()).score.drifted for seed, known in enumerate(reference)
    )
    assert _within(alarms, 400, 0.05)


def test_false_alarms_of_features() -> None:
    """Without drift, gaps and rare categories or not, features together raise an alarm at most as often as p says."""
    references = [prepare(awkward(seed, 1000), AWKWARD_FEATURES, DriftSpec(p_value=0.2)) for seed in range(300)]
    alarms = 0
    for seed, known in enumerate(references):
        alarms += bool(detect(known, awkward(9000 + seed, 200), ScipyBackend()).drifted)
    assert 0 < alarms <= binom.ppf(0.999, 300, 0.2)


def test_shift() -> None:
    """A shift of half a deviation is found in a window of 300 rows, and only where it is."""
    report = _report(_table(1, 300, a=np.random.default_rng(1).normal(0.5, 1, 300)))
    assert report.drifted == ("a",)
    assert report.warning
    assert not report.reasons
    assert not report.score.drifted


def test_missing() -> None:
    """Values that stay the same but come less often are drift of the missing share, not of the values."""
    gappy = np.where(np.arange(300) % 10 == 0, np.nan, np.random.default_rng(3).normal(size=300))
    found = _feature(_report(_table(1, 300, a=gappy)), "a")
    assert found.drifted
    assert found.missing is not None
    assert found.missing.p_value < found.threshold
    assert found.values is not None
    assert found.values.p_value > found.threshold
    assert (found.missing_share.reference, found.missing_share.window) == (0, 0.1)


def test_all_missing() -> None:
    """A column that came without any value has no values to test; that they are missing is the drift."""
    found = _feature(_report(_table(1, 300, a=pa.nulls(300))), "a")
    assert (found.drifted, found.values, found.missing_share.window) == (True, None, 1)


def test_unseen() -> None:
    """Categories the feature does not list count on their own, and not as missing."""
    values = np.where(np.arange(300) % 20 == 0, "new", np.random.default_rng(4).choice(["x", "y"], 300))
    found = _feature(_report(_table(1, 300, b=values)), "b")
    assert found.drifted
    assert found.unseen is not None
    assert found.unseen.p_value < found.threshold
    assert found.values is not None
    assert found.values.p_value > found.threshold
    assert (found.unseen_share.window, found.missing_share.window) == (0.05, 0)


def test_one_unseen() -> None:
    """A single unseen value among 300 is no drift: where few are expected, the test is exact."""
    values = np.random.default_rng(4).choice(["x", "y"], 300)
    found = _feature(_report(_table(1, 300, b=np.where(np.arange(300) == 7, "new", values))), "b")
    assert found.unseen is not None
    assert (found.unseen.kind, found.drifted) == ("fisher", False)


def test_rare_category() -> None:
    """A category too rare for chi-squared that becomes less rare is found by the exact test."""
    rare = np.where(np.arange(2000) < 2, "y", "x")
    found = _feature(
        _report(_table(1, 100, b=rare[:100].tolist()[:2] * 3 + ["x"] * 94), None, _table(0, 2000, b=rare)), "b"
    )
    assert found.values is not None
    assert (found.values.kind, found.drifted) == ("fisher", True)


def test_constant() -> None:
    """A column that stays constant does not drift; another constant is the whole distance."""
    reference = _table(0, 2000, a=np.full(2000, 3), b=["x"] * 2000)
    same = _report(_table(1, 300, a=np.full(300, 3.0), b=["x"] * 300), None, reference)
    other = _report(_table(1, 300, a=np.full(300, 4.0), b=["x"] * 300), None, reference)
    assert same.drifted == ()
    assert _feature(same, "b").values is None
    found = _feature(other, "a").values
    assert found is not None
    assert (found.statistic, other.drifted) == (1, ("a",))


def test_double_precision() -> None:
    """Numbers that reach the model as the same number are the same, in whatever width they were stored."""
    tenths = np.random.default_rng(2).integers(0, 10, 300) / 10
    reference = _table(0, 2000, a=np.resize(tenths, 2000))
    found = _feature(_report(_table(1, 300, a=tenths.astype(np.float32)), None, reference), "a")
    assert found.values is not None
    assert found.values.statistic < 0.05


@pytest.mark.parametrize(("importance", "carried"), [({"a": 3, "b": 1}, 0.75), ({"a": 1, "b": 3}, 0.25), (None, None)])
def test_importance(importance: dict[str, float] | None, carried: float | None) -> None:
    """Drift is a reason where the drifted features carry half of the importance, else a warning."""
    report = _report(_table(1, 300, a=np.full(300, 9.0)), importance)
    assert (report.warning, report.drifted_importance) == (True, carried)
    assert bool(report.reasons) == (carried == 0.75)
    assert all("75%" in reason for reason in report.reasons)


def test_score() -> None:
    """Drift of the score is a reason by itself, whatever the features do."""
    report = _report(_table(1, 300, score=np.random.default_rng(1).random(300) / 2))
    assert (report.drifted, report.warning) == ((), True)
    assert report.reasons == ("The model's scores drifted.",)


def test_tiny() -> None:
    """A window of one row has no distribution to test, and raises no alarm."""
    report = _report(_table(1, 1))
    assert report.window_rows == 1
    assert not report.warning
    assert _feature(report, "a").values is None


def test_flights_february() -> None:
    """Real flights: February's weather is not January's, which is seen; rows of the same days are not told apart."""
    rows = flights("2013-01-01", "2013-03-01")
    january = rows[rows["time_hour"] < "2013-02-01"].sample(4000, random_state=1)
    reference = prepare(pa.Table.from_pandas(january.iloc[:3000]), FLIGHT_FEATURES, SPEC)
    february = rows[rows["time_hour"] >= "2013-02-01"].sample(1000, random_state=2)
    assert "temp" in detect(reference, pa.Table.from_pandas(february), ScipyBackend()).drifted
    assert not detect(reference, pa.Table.from_pandas(january.iloc[3000:]), ScipyBackend()).warning


def test_json() -> None:
    """A report survives the way through JSON, infinities in the data or not."""
    known: Reference = prepare(awkward(0, 500), AWKWARD_FEATURES, SPEC)
    report = detect(known, awkward(1, 100, 1.0), ScipyBackend())
    assert DriftReport.model_validate_json(report.model_dump_json()) == report


@pytest.mark.parametrize(
    ("window", "words"),
    [
        (_table(1, 9).drop_columns("a"), "Column 'a' of the window is missing"),
        (_table(1, 9).drop_columns("score"), "Column 'score' of the window is missing"),
        (_table(1, 9).append_column("a", pa.nulls(9)), "Column 'a' of the window is there 2 times"),
        (_table(1, 9, a=["1"] * 9), "Column 'a' of the window is of type string"),
        (_table(1, 9, b=np.ones(9)), "Column 'b' of the window is of type double"),
        (_table(1, 0), "The window has no rows"),
    ],
)
def test_bad_windows(window: pa.Table, words: str) -> None:
    """A window that breaks its contract is refused with the column's name."""
    with pytest.raises(DataError, match=words):
        _report(window)


def test_bad_reference() -> None:
    """So is a reference, a feature that would hide the score, and an importance of nothing."""
    with pytest.raises(DataError, match="Column 'b' of the reference is missing"):
        _report(_table(1, 9), None, _table(0, 100).drop_columns("b"))
    with pytest.raises(DataError, match="The reference has no rows"):
        _report(_table(1, 9), None, _table(0, 0))
    with pytest.raises(DataError, match="'score'"):
        prepare(_table(0, 9), (Feature(name="score"),), SPEC)
    with pytest.raises(DataError, match="'c', which is no feature"):
        _report(_table(1, 9), {"c": 1})
    with pytest.raises(DataError, match="importance of 'a' is -1"):
        _report(_table(1, 9), {"a": -1})
