"""How well a window's rows were scored, once their labels are known: ROC AUC and its band.

The band is DeLong's (DeLong, DeLong, Clarke-Pearson, Biometrics 44, 1988), by mid-ranks (Sun, Xu, 2014), on the logit
of the area, where it is nearer to normal and cannot leave [0, 1].
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.special import expit, logit
from scipy.stats import norm, rankdata

from contracts.events import Performance
from contracts.loop import DriftSpec

Floats = npt.NDArray[np.float64]


def judge(labels: npt.NDArray[np.int8], scores: Floats, expected: float, spec: DriftSpec) -> Performance | None:
    """The performance of rows with a label, both arrays of shape [rows]; `expected` is what the holdout gave.

    A row whose score is not finite got an error and says nothing of the model. None: there is one class only.
    """
    answered = np.isfinite(scores)
    positive, negative = scores[answered & (labels == 1)], scores[answered & (labels == 0)]
    if not len(positive) or not len(negative):
        return None
    above, below = _placements(np.asarray(positive, np.float64), np.asarray(negative, np.float64))
    low, high = _band(above, below, spec.confidence)
    return Performance(
        metric="roc_auc",
        value=float(above.mean()),
        low=low,
        high=high,
        expected=expected,
        rows=len(positive) + len(negative),
        fell=bool(high < expected - spec.fall),
    )


def _placements(positive: Floats, negative: Floats) -> tuple[Floats, Floats]:
    """Of each positive, the share of negatives it scores above; of each negative, the share of positives above it."""
    ranks = rankdata(np.concatenate((positive, negative)))
    above = (ranks[: len(positive)] - rankdata(positive)) / len(negative)
    below = 1 - (ranks[len(positive) :] - rankdata(negative)) / len(positive)
    return above, below


def _band(above: Floats, below: Floats, confidence: float) -> tuple[float, float]:
    area = float(above.mean())
    if min(len(above), len(below)) < 2:
        return 0.0, 1.0  # of one row no variance is known
    variance = float(above.var(ddof=1) / len(above) + below.var(ddof=1) / len(below))
    if area in (0.0, 1.0) or not variance:
        return _band_without_variance(area, min(len(above), len(below)), confidence)
    reach = float(norm.ppf((1 + confidence) / 2)) * variance**0.5 / (area * (1 - area))
    low, high = expit(logit(area) - reach), expit(logit(area) + reach)
    return float(low), float(high)


def _band_without_variance(area: float, rows: int, confidence: float) -> tuple[float, float]:
    """Where all pairs agree: how far off the truth could be, as for a share seen `rows` times without fail."""
    reach = 1 - ((1 - confidence) / 2) ** (1 / rows)
    return max(0.0, area - reach), min(1.0, area + reach)
