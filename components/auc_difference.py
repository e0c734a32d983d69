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
    groups: int
    """Of rows that came together; the error has one degree of freedom less."""


def auc_difference(
    labels: npt.NDArray[np.int8],
    first: npt.NDArray[np.float64],
    second: npt.NDArray[np.float64],
    groups: npt.NDArray[np.int64],
) -> AucDifference:
    """Compare scores of the same rows; each class needs one of them, and `groups`, shape [rows], two values.

    Rows that came together are alike, and so are a model's mistakes on them: groups are what is counted, by the
    variance of Obuchowski (Biometrics 1997). With each row a group of its own it is that of DeLong, DeLong and
    Clarke-Pearson (Biometrics 1988), but for a factor near one.
    """
    scores = np.stack([first, second])
    above, below = _placements(scores[:, labels == 1], scores[:, labels == 0])
    areas = above.mean(axis=1)
    difference = float(areas[0] - areas[1])
    shares = np.zeros(len(labels))
    shares[labels == 1] = (above[0] - above[1] - difference) / above.shape[1]
    shares[labels == 0] = (below[0] - below[1] - difference) / below.shape[1]
    _, numbers = np.unique(groups, return_inverse=True)
    sums = np.bincount(numbers, weights=shares)
    count = len(sums)
    error = float(np.sqrt(np.sum(sums**2) * count / (count - 1)))
    return AucDifference(float(areas[0]), float(areas[1]), difference, error, count)


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
