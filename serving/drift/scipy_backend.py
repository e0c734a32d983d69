"""Backend `scipy`: the tests of alibi-detect's TabularDrift, without sorting the reference at each window."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from scipy import special
from scipy.stats import kstwo

from serving.drift.backend import NumberPair, Outcome, Table


class ScipyBackend:
    """Needs numpy and scipy only."""

    name: Final = "scipy"

    def kolmogorov_smirnov(self, pairs: Sequence[NumberPair]) -> list[Outcome]:
        """See Backend. All p-values at once: a call of scipy's distribution costs more than a column."""
        if not pairs:
            return []
        distances = np.array([distance(pair) for pair in pairs])
        reference = np.array([len(pair.reference.values) for pair in pairs], dtype=np.float64)
        window = np.array([len(pair.window) for pair in pairs], dtype=np.float64)
        effective = np.round(reference * window / (reference + window))
        chances = np.clip(kstwo.sf(distances, effective), 0, 1)
        return [Outcome(float(found), float(chance)) for found, chance in zip(distances, chances, strict=True)]

    def chi_squared(self, tables: Sequence[Table]) -> list[Outcome]:
        """See Backend."""
        return [pearson(table) for table in tables]


def distance(pair: NumberPair) -> float:
    """The largest distance between the two empirical distributions.

    It is reached at a number of the window or just before one: between two of them only the reference's rises.
    """
    window, below = pair.window, pair.reference.below
    first = np.flatnonzero(np.concatenate(([True], window[1:] != window[:-1])))
    after = np.append(first[1:], len(window))
    points = window[first]
    place = np.searchsorted(pair.reference.distinct, points)
    last = len(pair.reference.distinct) - 1
    met = pair.reference.distinct[np.minimum(place, last)] == points
    rows = len(pair.reference.values)
    at = below[place + met] / rows - after / len(window)
    before = below[place] / rows - first / len(window)
    return float(max(np.abs(at).max(), np.abs(before).max()))


def pearson(table: Table) -> Outcome:
    """Pearson's chi-squared of a table [2, categories]."""
    total = table.sum()
    expected = table.sum(axis=1, keepdims=True) * table.sum(axis=0, keepdims=True) / total
    gap = np.abs(table - expected)
    freedom = table.shape[1] - 1
    if freedom == 1:
        gap = gap - np.minimum(0.5, gap)
    statistic = float((gap**2 / expected).sum())
    return Outcome(statistic, float(special.chdtrc(freedom, statistic)))
