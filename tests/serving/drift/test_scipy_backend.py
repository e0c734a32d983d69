"""The backend `scipy` against scipy's own tests."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy.stats import chi2_contingency, ks_2samp

from serving.drift.backend import NumberPair, Ranked
from serving.drift.proportion import MIN_EXPECTED, least_expected, pooled, shares
from serving.drift.scipy_backend import ScipyBackend

SUBNORMAL = float(np.float32(1e-40))
few_values = arrays.arrays(
    np.float32, st.integers(5, 60), elements=st.sampled_from([-np.inf, -1, -0.0, 0, SUBNORMAL, 2])
)
any_values = arrays.arrays(np.float32, st.integers(5, 60), elements=st.floats(width=32, allow_nan=False))
samples = few_values | any_values
tables = arrays.arrays(np.int64, st.tuples(st.just(2), st.integers(2, 8)), elements=st.integers(0, 300)).filter(
    lambda table: bool(table.sum(axis=1).all())
)


@given(samples, samples)
def test_kolmogorov_smirnov(reference: npt.NDArray[np.float32], window: npt.NDArray[np.float32]) -> None:
    """Statistic and p-value are those of ks_2samp, ties, infinities and subnormal numbers included."""
    (found,) = ScipyBackend().kolmogorov_smirnov([NumberPair(Ranked(np.sort(reference)), np.sort(window))])
    expected = ks_2samp(reference, window, method="asymp")
    np.testing.assert_allclose(found, (expected.statistic, expected.pvalue), rtol=1e-12, atol=1e-15)


def test_large() -> None:
    """So they are for many columns at once and at the sizes of a loop."""
    random = np.random.default_rng(0)
    columns = [(random.normal(size=10_000).round(at), random.normal(at / 50, 1, 1000).round(at)) for at in range(5)]
    pairs = [
        NumberPair(Ranked(np.sort(known.astype(np.float32))), np.sort(window.astype(np.float32)))
        for known, window in columns
    ]
    for pair, found in zip(pairs, ScipyBackend().kolmogorov_smirnov(pairs), strict=True):
        expected = ks_2samp(pair.reference.values, pair.window, method="asymp")
        np.testing.assert_allclose(found, (expected.statistic, expected.pvalue), rtol=1e-12)


@given(tables)
def test_chi_squared(table: npt.NDArray[np.int64]) -> None:
    """Statistic and p-value are those of chi2_contingency, Yates' correction included."""
    clean = table[:, table.any(axis=0)]
    if clean.shape[1] < 2:
        return
    (found,) = ScipyBackend().chi_squared([clean])
    expected = chi2_contingency(clean)
    np.testing.assert_allclose(found, (expected.statistic, expected.pvalue), rtol=1e-9, atol=1e-12)


@given(tables)
def test_pooled(table: npt.NDArray[np.int64]) -> None:
    """Pooling loses no row, leaves no category too rare unless two are left, and looks at both sides together."""
    found = pooled(table)
    assert (found.sum(axis=1) == table.sum(axis=1)).all()
    assert found.shape[1] <= 2 or least_expected(found) >= MIN_EXPECTED
    assert (found.sum(axis=0) > 0).all()


@given(st.integers(0, 400), st.integers(0, 40))
def test_shares(reference: int, window: int) -> None:
    """A share's test is a probability, is none where there is nothing to tell apart, and never sees equals as drift."""
    test = shares((reference, 400), (window, 40))
    assert (test is None) == (reference + window in (0, 440))
    if test is not None:
        assert 0 <= test.p_value <= 1
        assert test.p_value > 0.5 or reference != 10 * window
