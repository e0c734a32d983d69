"""How good scores are: ROC AUC, log loss, curves, and the paired bootstrap interval of a difference."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Scores = npt.NDArray[np.float32]
Labels = npt.NDArray[np.int8]
EPSILON = 1e-7


@dataclass(frozen=True)
class Interval:
    """A difference and the bounds of its bootstrap interval."""

    difference: float
    low: float
    high: float


def roc_auc(labels: Labels, scores: Scores) -> float:
    """Area under the ROC curve; NaN if the labels are all alike."""
    return float(_Ranked.of(labels, scores).auc(np.ones(len(labels))))


def log_loss(labels: Labels, scores: Scores) -> float:
    """Mean negative log likelihood, in nats."""
    return float(np.mean(_losses(labels, scores)))


def score(metric: str, labels: Labels, scores: Scores) -> float:
    """A metric by its name in the loop specification, greater is better: log loss comes negated."""
    return roc_auc(labels, scores) if metric == "roc_auc" else -log_loss(labels, scores)


def confusion(labels: Labels, scores: Scores, threshold: float) -> list[list[int]]:
    """Counts [actual][predicted] of the two classes."""
    predicted = scores >= threshold
    return [[int(np.sum((labels == actual) & (predicted == guess))) for guess in (False, True)] for actual in (0, 1)]


def roc_curve(labels: Labels, scores: Scores, points: int = 200) -> tuple[list[float], list[float], list[float]]:
    """False and true positive rates and thresholds, finite and falling, thinned to about `points`."""
    from sklearn.metrics import roc_curve as curve

    false_rate, true_rate, thresholds = curve(labels, scores, drop_intermediate=True)
    keep = np.unique(np.linspace(0, len(thresholds) - 1, min(points, len(thresholds))).astype(int))
    finite = np.minimum(thresholds[keep], 1.0)
    return false_rate[keep].tolist(), true_rate[keep].tolist(), finite.tolist()


def difference(
    metric: str, labels: Labels, challenger: Scores, champion: Scores, samples: int, confidence: float, seed: int
) -> Interval:
    """Challenger minus champion on the same rows, with a paired bootstrap interval over rows."""
    generator = np.random.default_rng(seed)
    count = len(labels)
    compare = _auc_difference if metric == "roc_auc" else _loss_difference
    evaluate = compare(labels, challenger, champion)
    resampled = (np.bincount(generator.integers(0, count, count), minlength=count) for _ in range(samples))
    drawn = [evaluate(weights.astype(np.float64)) for weights in resampled]
    tail = (1 - confidence) / 2
    low, high = np.nanquantile(drawn, [tail, 1 - tail])
    return Interval(evaluate(np.ones(count)), float(low), float(high))


Weighted = Callable[[npt.NDArray[np.float64]], float]


def _auc_difference(labels: Labels, challenger: Scores, champion: Scores) -> Weighted:
    first, second = _Ranked.of(labels, challenger), _Ranked.of(labels, champion)
    return lambda weights: first.auc(weights) - second.auc(weights)


def _loss_difference(labels: Labels, challenger: Scores, champion: Scores) -> Weighted:
    gain = _losses(labels, champion) - _losses(labels, challenger)
    return lambda weights: float(np.average(gain, weights=weights))


def _losses(labels: Labels, scores: Scores) -> npt.NDArray[np.float64]:
    clipped = np.clip(scores.astype(np.float64), EPSILON, 1 - EPSILON)
    return np.where(labels == 1, -np.log(clipped), -np.log1p(-clipped))


@dataclass(frozen=True)
class _Ranked:
    """Labels sorted by score once, so that each bootstrap sample costs no sort."""

    order: npt.NDArray[np.int64]
    positive: npt.NDArray[np.bool_]
    ends: npt.NDArray[np.int64]
    """Last position of each run of equal scores."""

    @classmethod
    def of(cls, labels: Labels, scores: Scores) -> _Ranked:
        order = np.argsort(scores, kind="stable")
        ranked = scores[order]
        ends = np.append(np.flatnonzero(np.diff(ranked)), len(ranked) - 1)
        return cls(order, labels[order] == 1, ends)

    def auc(self, weights: npt.NDArray[np.float64]) -> float:
        """Chance that a positive scores above a negative, ties counting half, rows counting by their weights."""
        ranked = weights[self.order]
        positives = np.diff(np.cumsum(np.where(self.positive, ranked, 0))[self.ends], prepend=0.0)
        negatives = np.diff(np.cumsum(np.where(self.positive, 0, ranked))[self.ends], prepend=0.0)
        below = np.cumsum(negatives) - negatives / 2
        total = positives.sum() * negatives.sum()
        return float((positives * below).sum() / total) if total else float("nan")
