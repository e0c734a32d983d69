"""Metrics against scikit-learn's, and the interval against what is known of it."""

from __future__ import annotations

import numpy as np
import pytest
import sklearn.metrics
from hypothesis import given
from hypothesis import strategies as st

from components import metrics


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 10)), min_size=2, max_size=60))
def test_roc_auc_with_ties(rows: list[tuple[bool, int]]) -> None:
    """Equal to scikit-learn's, ties counting half; NaN where there is one class only."""
    labels = np.array([label for label, _ in rows], dtype=np.int8)
    scores = np.array([score / 10 for _, score in rows], dtype=np.float32)
    if len(set(labels.tolist())) < 2:
        assert np.isnan(metrics.roc_auc(labels, scores))
    else:
        assert metrics.roc_auc(labels, scores) == pytest.approx(sklearn.metrics.roc_auc_score(labels, scores))


def test_log_loss() -> None:
    """Equal to scikit-learn's."""
    generator = np.random.default_rng(0)
    labels = generator.integers(0, 2, 500).astype(np.int8)
    scores = generator.uniform(0.01, 0.99, 500).astype(np.float32)
    expected = sklearn.metrics.log_loss(labels, scores.astype(np.float64))
    assert metrics.log_loss(labels, scores) == pytest.approx(expected)
    assert metrics.score("log_loss", labels, scores) == pytest.approx(-expected)


@pytest.mark.parametrize("metric", ["roc_auc", "log_loss"])
def test_the_interval_holds_the_difference(metric: str) -> None:
    """A clearly better challenger: the whole interval above zero, the difference inside; one seed, one interval."""
    labels, good, poor = _scores()
    found = metrics.difference(metric, labels, good, poor, 200, 0.95, seed=1)
    assert 0 < found.low < found.difference < found.high
    assert found == metrics.difference(metric, labels, good, poor, 200, 0.95, seed=1)
    swapped = metrics.difference(metric, labels, poor, good, 200, 0.95, seed=1)
    assert swapped.difference == pytest.approx(-found.difference)
    assert swapped.high < 0


def test_equal_scores_have_no_difference() -> None:
    """The bootstrap is paired: a model against itself differs by exactly nothing."""
    labels, good, _ = _scores()
    assert metrics.difference("roc_auc", labels, good, good, 50, 0.95, seed=1) == metrics.Interval(0.0, 0.0, 0.0)


def test_confusion() -> None:
    """Rows are what happened, columns what was said."""
    labels = np.array([0, 0, 1, 1, 1], dtype=np.int8)
    scores = np.array([0.1, 0.9, 0.2, 0.8, 0.5], dtype=np.float32)
    assert metrics.confusion(labels, scores, 0.5) == [[1, 1], [1, 2]]


def test_roc_curve_is_finite_and_thin() -> None:
    """No infinite threshold, which JSON could not carry, and no more points than a picture needs."""
    labels, good, _ = _scores()
    false_rate, true_rate, thresholds = metrics.roc_curve(labels, good, points=50)
    assert len(false_rate) == len(true_rate) == len(thresholds) <= 50
    assert np.isfinite(thresholds).all()
    assert (false_rate[0], true_rate[0], false_rate[-1], true_rate[-1]) == (0, 0, 1, 1)


def _scores() -> tuple[metrics.Labels, metrics.Scores, metrics.Scores]:
    generator = np.random.default_rng(0)
    labels = generator.integers(0, 2, 2000).astype(np.int8)
    good = np.clip(0.35 + 0.3 * labels + generator.normal(0, 0.15, 2000), 0.01, 0.99).astype(np.float32)
    poor = np.clip(0.45 + 0.1 * labels + generator.normal(0, 0.15, 2000), 0.01, 0.99).astype(np.float32)
    return labels, good, poor
