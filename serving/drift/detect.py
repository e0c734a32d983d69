"""Compare a window with a reference: the tests of every column, their correction, and what they amount to."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain

import numpy as np
import pyarrow as pa

from contracts.model import Feature
from serving.drift.backend import Backend, NumberPair, Table
from serving.drift.column import Categories, Numbers
from serving.drift.evidence import ColumnDrift, DriftReport, Shares, Test
from serving.drift.proportion import MIN_EXPECTED, least_expected, pooled, shares, two_by_two
from serving.drift.reference import SCORE, Reference, read

MIN_VALUES = 5
"""With fewer values on either side, their distribution is not tested."""
REASON_SHARE = 0.5
"""Drifted features that carry this much of the model's importance are a reason, not only a warning."""


def detect(reference: Reference, window: pa.Table, backend: Backend, reason_share: float = REASON_SHARE) -> DriftReport:
    """What differs between a window and the reference.

    `window` has the features' raw columns and the score; others are left alone. DataError: it is empty, a column is
    missing or of a wrong type.
    """
    columns = read(window, reference.features, "window")
    values = _values(reference, columns, backend)
    tests = sum(2 if feature.categories is None else 3 for feature in reference.features)
    level = reference.spec.p_value
    found = tuple(
        _column(reference, feature, columns[feature.name], values.get(feature.name), level / tests)
        for feature in reference.features
    )
    score = _column(reference, Feature(name=SCORE), columns[SCORE], values.get(SCORE), level / 2)
    weight = _weight(reference, found)
    return DriftReport(
        backend=backend.name,
        p_value=level,
        reference_rows=reference.rows,
        window_rows=window.num_rows,
        features=found,
        score=score,
        drifted_importance=weight,
        warning=any(column.drifted for column in (*found, score)),
        reasons=tuple(_reasons(score, weight, reason_share)),
    )


def _values(reference: Reference, window: Mapping[str, Numbers | Categories], backend: Backend) -> dict[str, Test]:
    """By column, the test of its values, where one can be made; a backend gets all columns of a kind at once."""
    pairs, tables = _pairs(reference, window), _tables(reference, window)
    common = {name: table for name, table in tables.items() if least_expected(table) >= MIN_EXPECTED}
    rare = {name: two_by_two(table) for name, table in tables.items() if name not in common}
    numbers = zip(pairs, backend.kolmogorov_smirnov(list(pairs.values())), strict=True)
    categories = zip(common, backend.chi_squared(list(common.values())), strict=True)
    return (
        rare
        | {name: Test.of("ks", outcome) for name, outcome in numbers}
        | {name: Test.of("chi-squared", outcome) for name, outcome in categories}
    )


def _pairs(reference: Reference, window: Mapping[str, Numbers | Categories]) -> dict[str, NumberPair]:
    return {
        name: NumberPair(reference.ranked[name], column.values)
        for name, column in window.items()
        if isinstance(column, Numbers)
        and name in reference.ranked
        and min(len(reference.ranked[name].values), len(column.values)) >= MIN_VALUES
    }


def _tables(reference: Reference, window: Mapping[str, Numbers | Categories]) -> dict[str, Table]:
    """Pooled tables with more than one category."""
    tables = {}
    for name, column in window.items():
        known = reference.columns[name]
        if isinstance(column, Categories) and isinstance(known, Categories):
            table = np.stack((known.counts, column.counts))
            if table.sum(axis=1).min() >= MIN_VALUES:
                tables[name] = pooled(table)
    return {name: table for name, table in tables.items() if table.shape[1] > 1}


def _column(
    reference: Reference, feature: Feature, window: Numbers | Categories, values: Test | None, threshold: float
) -> ColumnDrift:
    known = reference.columns[feature.name]
    missing = ((known.missing, _rows(known)), (window.missing, _rows(window)))
    unseen = ((_unseen(known), _rows(known) - known.missing), (_unseen(window), _rows(window) - window.missing))
    tests = (values, shares(*missing), shares(*unseen))
    return ColumnDrift(
        name=feature.name,
        drifted=any(test is not None and test.p_value < threshold for test in tests),
        threshold=threshold,
        importance=None if reference.importance is None else reference.importance.get(feature.name),
        values=tests[0],
        missing=tests[1],
        unseen=tests[2],
        missing_share=_shares(*missing),
        unseen_share=_shares(*unseen),
    )


def _rows(column: Numbers | Categories) -> int:
    present = len(column.values) if isinstance(column, Numbers) else int(column.counts.sum()) + column.unseen
    return present + column.missing


def _unseen(column: Numbers | Categories) -> int:
    return column.unseen if isinstance(column, Categories) else 0


def _shares(reference: tuple[int, int], window: tuple[int, int]) -> Shares:
    part = [hits / rows if rows else 0.0 for hits, rows in (reference, window)]
    return Shares(reference=part[0], window=part[1])


def _weight(reference: Reference, features: tuple[ColumnDrift, ...]) -> float | None:
    if reference.importance is None:
        return None
    return min(1.0, sum(feature.importance or 0.0 for feature in features if feature.drifted))


def _reasons(score: ColumnDrift, weight: float | None, reason_share: float) -> chain[str]:
    by_score = ["The model's scores drifted."] if score.drifted else []
    heavy = weight is not None and weight > 0 and weight >= reason_share
    by_weight = [f"The features that drifted carry {weight:.0%} of the model's importance."] if heavy else []
    return chain(by_score, by_weight)
