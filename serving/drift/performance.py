"""How well a labelled window was scored: ROC AUC with DeLong's band."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.stats import norm, rankdata

from contracts.events import Performance
from contracts.loop import DriftSpec


def judge(
    labels: npt.NDArray[np.int8], scores: npt.NDArray[np.float64], expected: float, spec: DriftSpec
) -> Performance | None:
    """ROC AUC of scores with labels 0 and 1, both of shape [rows], and its band; None with one class only."""
    high, low = scores[labels == 1], scores[labels == 0]
    if not len(high) or not len(low):
        return None
    ranks = rankdata(np.concatenate((high, low)))
    above = (ranks[: len(high)] - rankdata(high)) / len(low)
    below = 1 - (ranks[len(high) :] - rankdata(low)) / len(high)
    value = float(above.mean())
    variance = sum(float(part.var(ddof=1)) / len(part) if len(part) > 1 else 0.25 for part in (above, below))
    reach = float(norm.ppf((1 + spec.confidence) / 2)) * variance**0.5
    bounds = max(0.0, value - reach), min(1.0, value + reach)
    return Performance(
        metric="roc_auc",
        value=value,
        low=bounds[0],
        high=bounds[1],
        expected=expected,
        rows=len(labels),
        fell=bounds[1] < expected - spec.fall,
    )
