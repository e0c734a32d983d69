"""Tests of shares and of rare categories: made above the backends, the same for both."""

from __future__ import annotations

import numpy as np
from scipy.stats import fisher_exact

from serving.drift.backend import Table
from serving.drift.evidence import Test
from serving.drift.scipy_backend import pearson

MIN_EXPECTED = 5
"""Chi-squared's approximation holds where every cell is expected to have this many rows (Cochran's rule)."""


def shares(reference: tuple[int, int], window: tuple[int, int]) -> Test | None:
    """Whether a share is the same on both sides, each given as (rows that have it, all rows).

    None where no row or every row has it, or a side has no rows: there is nothing to tell apart.
    """
    table = np.array([(hits, rows - hits) for hits, rows in (reference, window)], dtype=np.int64)
    return two_by_two(table) if table.any(axis=0).all() and table.any(axis=1).all() else None


def two_by_two(table: Table) -> Test:
    """Chi-squared with Yates' correction, or Fisher's exact test where that would not hold.

    Fisher's statistic is given as the first column's share in the window less that in the reference.
    """
    if least_expected(table) >= MIN_EXPECTED:
        return Test.of("chi-squared", pearson(table))
    difference = table[1, 0] / table[1].sum() - table[0, 0] / table[0].sum()
    return Test(kind="fisher", statistic=float(difference), p_value=min(1.0, float(fisher_exact(table).pvalue)))


def pooled(table: Table) -> Table:
    """Categories too rare for chi-squared, put together into the last one; those that no row has, left out.

    Which are rare is told by both sides together, so it says nothing about their difference. Two stay, however rare.
    """
    table = table[:, table.any(axis=0)]
    table = table[:, np.argsort(-table.sum(axis=0), kind="stable")]
    while table.shape[1] > 2 and least_expected(table) < MIN_EXPECTED:
        together = table[:, -2:].sum(axis=1, keepdims=True)
        table = np.hstack((table[:, :-2], together))
        table = table[:, np.argsort(-table.sum(axis=0), kind="stable")]
    return table


def least_expected(table: Table) -> float:
    """The smallest count any cell would have were both sides alike."""
    return float(table.sum(axis=1).min() * table.sum(axis=0).min() / table.sum())
