"""How far two models' ROC AUCs lie apart on the same labelled rows, and how sure that is, without resampling."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class AucDifference:
    """Two areas, their difference and its standard error."""

    first: float
    second: float
    difference: float
    error: float


def auc_difference(
    labels: npt.NDArray[np.int8], first: npt.NDArray[np.float64], second: npt.NDArray[np.float64]
) -> AucDifference:
    """Compare scores of the same rows; each class needs two of them.

    Variances by DeLong, DeLong and Clarke-Pearson (Biometrics 1988), computed from midranks.
    """
    scores = np.stack([first, second])
    positive, negative = scores[:, labels == 1], scores[:, labels == 0]
    above, below = _placements(positive, negative)
    areas = above.mean(axis=1)
    covariance = np.cov(above) / above.shape[1] + np.cov(below) / below.shape[1]
    variance = covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1]
    error = float(np.sqrt(max(variance, 0.0)))
    return AucDifference(float(areas[0]), float(areas[1]), float(areas[0] - areas[1]), error)


def _placements(
    positive: npt.NDArray[np.float64], negative: npt.NDArray[np.float64]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """For each positive the share of negatives below it [2, positives], for each negative that of positives above."""
    from scipy.stats import rankdata

    ours, theirs = positive.shape[1], negative.shape[1]
    ranks = rankdata(np.concatenate([positive, negative], axis=1), axis=1)
    above = (ranks[:, :ours] - rankdata(positive, axis=1)) / theirs
    below = 1 - (ranks[:, ours:] - rankdata(negative, axis=1)) / ours
    return above, below
