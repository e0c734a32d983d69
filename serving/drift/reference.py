"""The reference of a model, prepared once for every window that will be compared with it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa

from contracts.errors import DataError
from contracts.loop import DriftSpec
from contracts.model import Feature
from serving.drift.backend import Ranked
from serving.drift.column import Categories, Numbers, categories, numbers

SCORE = "score"
"""Column with the model's own answer: the probability of the last class."""


@dataclass(frozen=True)
class Reference:
    """Clean columns of a reference table, sorted, and what the comparison needs to know about the model."""

    spec: DriftSpec
    rows: int
    features: tuple[Feature, ...]
    """In the order of the model card; without the score."""
    columns: Mapping[str, Numbers | Categories]
    """By name, the score too."""
    ranked: Mapping[str, Ranked]
    """By name, of every column of numbers that has any."""
    importance: Mapping[str, float] | None
    """Share of each feature, adding up to 1."""


def prepare(
    table: pa.Table, features: tuple[Feature, ...], spec: DriftSpec, importance: Mapping[str, float] | None = None
) -> Reference:
    """Sort a reference table once.

    `importance` may have any scale; a feature that it does not name has none. DataError: the table is empty, a column
    is missing or of a wrong type, an importance is negative, not finite or of an unknown feature.
    """
    columns = read(table, features, "reference")
    ranked = {
        name: Ranked(column.values)
        for name, column in columns.items()
        if isinstance(column, Numbers) and len(column.values)
    }
    for column in ranked.values():
        _ = column.below  # derived now, not at the first window
    return Reference(spec, table.num_rows, features, columns, ranked, _normal(importance, features))


def read(table: pa.Table, features: tuple[Feature, ...], where: str) -> dict[str, Numbers | Categories]:
    """Clean columns of a table by name: the features' and the score. DataError names what is wrong and where."""
    if not table.num_rows:
        raise DataError(f"The {where} has no rows.")
    if any(feature.name == SCORE for feature in features):
        raise DataError(f"A feature is called {SCORE!r}, which is the name of the model's answer.", "Rename it.")
    return {feature.name: _clean(table, feature, where) for feature in (*features, Feature(name=SCORE))}


def _clean(table: pa.Table, feature: Feature, where: str) -> Numbers | Categories:
    if feature.categories is None:
        return numbers(table, feature.name, where)
    return categories(table, feature.name, feature.categories, where)


def _normal(importance: Mapping[str, float] | None, features: tuple[Feature, ...]) -> dict[str, float] | None:
    if importance is None:
        return None
    known = [feature.name for feature in features]
    for name, value in importance.items():
        if name not in known:
            raise DataError(f"An importance is given for {name!r}, which is no feature.", f"Features: {known}.")
        if not (math.isfinite(value) and value >= 0):
            raise DataError(f"The importance of {name!r} is {value}.", "It must be a finite number from 0 on.")
    total = sum(importance.values())
    return {name: importance.get(name, 0.0) / total for name in known} if total > 0 else None
