"""Both backends say the same: needs alibi-detect itself, so these run in the drift environment."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pytest
from alibi_detect.cd import TabularDrift
from drift_windows import AWKWARD_FEATURES, FLIGHT_FEATURES, awkward, flights

from contracts.events import Drift, Window
from contracts.loop import DriftSpec
from contracts.model import Feature
from serving.drift.backend import Backend, NumberPair, Ranked, backend
from serving.drift.detect import detect
from serving.drift.evidence import DriftReport
from serving.drift.finding import finding
from serving.drift.reference import Reference, prepare
from serving.drift.scipy_backend import ScipyBackend

SPEC = DriftSpec(p_value=0.05)
WINDOW = Window(
    loop="any",
    window="1-000000",
    uri="s3://bucket/window.parquet",
    reference_uri="s3://bucket/reference.parquet",
    model_version="1",
    start=datetime(2013, 1, 1, tzinfo=UTC),
    end=datetime(2013, 1, 2, tzinfo=UTC),
    rows=1,
)


def _even(features: tuple[Feature, ...]) -> dict[str, float]:
    """An importance for each, so that every verdict is met."""
    return {feature.name: 1.0 for feature in features}


@pytest.fixture(scope="module")
def alibi() -> Backend:
    """The backend `alibi-detect`."""
    return backend("alibi-detect")


def _figures(report: DriftReport) -> list[tuple[str, str, float, float]]:
    return [
        (column.name, test.kind, test.statistic, test.p_value)
        for column in (*report.features, report.score)
        for test in (column.values, column.missing, column.unseen)
        if test is not None
    ]


def _agree(reference: Reference, window: pa.Table, alibi: Backend) -> DriftReport:
    ours, theirs = detect(reference, window, ScipyBackend()), detect(reference, window, alibi)
    mine, other = _figures(ours), _figures(theirs)
    assert [row[:2] for row in mine] == [row[:2] for row in other]
    np.testing.assert_allclose([row[2:] for row in mine], [row[2:] for row in other], rtol=1e-9, atol=1e-9)
    assert ours.model_copy(update={"backend": "alibi-detect"}).drifted == theirs.drifted
    assert (ours.score.drifted, ours.warning, ours.reasons) == (theirs.score.drifted, theirs.warning, theirs.reasons)
    assert _decided(ours) == _decided(theirs)
    return ours


def _decided(report: DriftReport) -> tuple[object, ...]:
    """What the event says, but for figures beyond the precision in which both are kept."""
    drift: Drift = finding(WINDOW, "id", report, "late", None)
    found = [(one.feature, one.test, one.drifted) for one in (*drift.features, *drift.scores)]
    return drift.verdict, drift.reasons, drift.drifted_importance, found


def _awkward_windows() -> Iterator[pa.Table]:
    sizes = (1, 4, 5, 7, 50, 1000)
    for seed in range(100):
        yield awkward(1000 + seed, sizes[seed % len(sizes)], shift=(seed % 3) / 3)


def test_awkward(alibi: Backend) -> None:
    """100 windows with ties, gaps, constants, infinities, rare and unseen categories, some tiny, some shifted."""
    weights = _even(AWKWARD_FEATURES)
    references = [
        prepare(awkward(seed, rows), AWKWARD_FEATURES, SPEC, weights) for seed, rows in enumerate((3000, 997, 101))
    ]
    reports = [_agree(references[number % 3], window, alibi) for number, window in enumerate(_awkward_windows())]
    verdicts = {_decided(report)[0] for report in reports}
    assert verdicts == {"none", "warning", "drift"}


def test_flights(alibi: Backend) -> None:
    """100 windows of real flights, a quarter of them from the days of the reference."""
    rows = flights("2013-01-01", "2013-03-01")
    known = rows.sample(2000, random_state=1)
    reference = prepare(
        pa.Table.from_pandas(known, preserve_index=False), FLIGHT_FEATURES, SPEC, _even(FLIGHT_FEATURES)
    )
    for number in range(75):
        window = rows.iloc[number * 600 : number * 600 + 300]
        _agree(reference, pa.Table.from_pandas(window, preserve_index=False), alibi)
    for number in range(25):
        window = rows.sample(300, random_state=number)
        _agree(reference, pa.Table.from_pandas(window, preserve_index=False), alibi)


def test_whole_detector() -> None:
    """Where nothing is missing, one TabularDrift over all columns has the very same figures."""
    random = np.random.default_rng(5)
    for rows in (30, 500):
        known, window = random.normal(size=(2000, 4)).round(1), random.normal(0.1, 1, size=(rows, 4)).round(1)
        known, window = known.astype(np.float32), window.astype(np.float32)
        chances, statistics = TabularDrift(known, categories_per_feature={}).score(window)
        pairs = [NumberPair(Ranked(np.sort(known[:, at])), np.sort(window[:, at])) for at in range(4)]
        ours = np.array(ScipyBackend().kolmogorov_smirnov(pairs), dtype=np.float32)
        assert (ours[:, 0] == statistics).all()
        assert (ours[:, 1] == chances).all()
