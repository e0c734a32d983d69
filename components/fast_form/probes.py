"""Rows on which a fast form is held against its model: real ones, and made-up ones that reach what real ones do not."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from contracts.model import Feature
from feature_store.matrix import Matrix

REAL, MADE = 4000, 4000
"""How many rows of each, at most."""
_KEPT = 0.5
"""Share of a made-up row that stays as it was in a real one, so that deep leaves are reached too."""
_LARGE = 1e6
_THRESHOLDS = 300
"""Of each feature: a forest has tens of thousands."""


def probes(
    reference: Matrix, features: tuple[Feature, ...], thresholds: Mapping[int, set[float]], missing: bool, seed: int
) -> Matrix:
    """Rows [rows, features]. The same arguments give the same rows.

    Numbers lie at thresholds and right beside them, at and beyond the ends of what was seen; every category is there
    and some that no card lists; with `missing`, missing values too. None is infinite, for such a row is refused.
    """
    generator = np.random.default_rng(seed)
    reference = reference[np.isfinite(reference).all(axis=1)] if not missing else reference
    real = reference[generator.permutation(len(reference))[:REAL]]
    base = real if len(real) else np.zeros((1, len(features)), np.float32)
    made = base[generator.integers(0, len(base), MADE)]
    for place, feature in enumerate(features):
        near = generator.permutation(sorted(thresholds.get(place, ())))[:_THRESHOLDS]
        values = _values(feature, made[:, place], near, missing)[:MADE]
        drawn = values[generator.integers(0, len(values), MADE)]
        column = np.where(generator.random(MADE) < _KEPT, made[:, place], drawn)
        column[generator.permutation(MADE)[: len(values)]] = values  # each at least once
        made[:, place] = column
    return np.concatenate([real, made])


def _values(
    feature: Feature, seen: Matrix, thresholds: npt.NDArray[np.float64], missing: bool
) -> npt.NDArray[np.float32]:
    if feature.categories is not None:
        count = len(feature.categories)
        values = np.arange(count + 2, dtype=np.float32)
    else:
        with np.errstate(over="ignore"):
            near = thresholds.astype(np.float32)
        beside = [np.nextafter(near, np.float32(end), dtype=np.float32) for end in (-np.inf, np.inf)]
        known = seen[np.isfinite(seen)]
        ends = [float(known.min()), float(known.max())] if len(known) else []
        far = np.array([0.0, -0.0, -1.0, *ends, *(10 * end for end in ends), -_LARGE, _LARGE], np.float32)
        values = np.concatenate([near, *beside, far])
        values = values[np.isfinite(values)]
    return np.append(values, np.float32(np.nan)) if missing else values
