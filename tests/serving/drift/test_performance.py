"""How well a window was scored, by its labels: the area, its band, and when it counts as a fall."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from contracts.events import Performance
from contracts.loop import DriftSpec
from serving.drift.performance import judge

SPEC = DriftSpec(backend="scipy", fall=0.05, confidence=0.95)
Drawn = tuple[npt.NDArray[np.int8], npt.NDArray[np.float64]]


def drawn(seed: int, rows: int, gap: float, share: float = 0.25) -> Drawn:
    """Labels and scores whose true area is Φ(gap / √2)."""
    random = np.random.default_rng(seed)
    labels = (random.uniform(size=rows) < share).astype(np.int8)
    return labels, random.normal(size=rows) + gap * labels


def judged(drawn: Drawn, expected: float = 0.8, spec: DriftSpec = SPEC) -> Performance:
    """What there is to say of rows of two classes."""
    found = judge(*drawn, expected, spec)
    assert found is not None
    return found


def test_the_area_is_the_share_of_pairs_in_the_right_order() -> None:
    """A pair of equal scores counts half."""
    labels, scores = drawn(1, 300, 1.0)
    scores = np.round(scores, 1)
    pairs = scores[labels == 1][:, None] - scores[labels == 0][None, :]
    assert judged((labels, scores)).value == pytest.approx(np.mean((pairs > 0) + 0.5 * (pairs == 0)))


def test_the_variance_is_delongs() -> None:
    """By its definition over pairs: the band on the logit goes back to the same standard error."""
    labels, scores = drawn(2, 400, 1.0)
    pairs = (scores[labels == 1][:, None] > scores[labels == 0][None, :]).astype(float)
    variance = pairs.mean(1).var(ddof=1) / pairs.shape[0] + pairs.mean(0).var(ddof=1) / pairs.shape[1]
    found = judged((labels, scores))
    reach = np.log(found.high / (1 - found.high)) - np.log(found.value / (1 - found.value))
    assert reach / 1.959964 * found.value * (1 - found.value) == pytest.approx(variance**0.5, rel=1e-6)


def test_the_band_holds_the_true_area_as_often_as_it_says() -> None:
    """Of 500 windows of 300 rows, about 95 % do."""
    truth = 0.76024993890652  # Φ(1 / √2)
    bands = [judged(drawn(seed, 300, 1.0)) for seed in range(500)]
    assert 0.92 <= np.mean([band.low <= truth <= band.high for band in bands]) <= 0.98


def test_a_fall_is_a_whole_band_below_what_is_tolerated() -> None:
    """A bad value of few rows is none, the same value of many is one."""
    few, many = judged(drawn(3, 60, 0.7)), judged(drawn(3, 20_000, 0.7))
    assert (few.fell, many.fell) == (False, True)
    assert few.value < 0.75 < few.high
    assert many.high < 0.75


def test_what_is_tolerated_is_no_fall() -> None:
    """The band must lie below the expectation by more than `fall`."""
    rows = drawn(4, 20_000, 0.7)
    high = judged(rows).high
    assert not judged(rows, high + 0.049).fell
    assert judged(rows, high + 0.051).fell


def test_one_class_alone_says_nothing() -> None:
    """There is no pair to order."""
    assert judge(np.ones(9, np.int8), np.linspace(0, 1, 9), 0.8, SPEC) is None
    assert judge(np.empty(0, np.int8), np.empty(0), 0.8, SPEC) is None


def test_rows_without_an_answer_are_left_out() -> None:
    """An error has no score; it says nothing of the model's order."""
    labels, scores = drawn(5, 200, 1.0)
    more = np.concatenate((labels, [0, 1])).astype(np.int8), np.concatenate((scores, [np.nan, np.nan]))
    assert judged(more) == judged((labels, scores))


@pytest.mark.parametrize(("sign", "value"), [(1, 1.0), (-1, 0.0)])
def test_perfect_order_of_few_rows_is_not_taken_for_certain(sign: int, value: float) -> None:
    """All pairs agree, so no variance is seen: the band is as wide as the smaller class is small."""
    labels = np.array([0] * 20 + [1] * 5, np.int8)
    found = judged((labels, sign * np.arange(25.0)))
    assert found.value == value
    assert found.high - found.low > 0.3


def test_one_positive_row_proves_nothing() -> None:
    """The band is everything, so it is no fall."""
    found = judged((np.array([1, 0, 0, 0], np.int8), np.array([0.1, 0.2, 0.3, 0.4])))
    assert (found.low, found.high, found.fell) == (0.0, 1.0, False)
