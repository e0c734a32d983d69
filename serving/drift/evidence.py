"""What the detector found, a column each, and what that amounts to. Plain JSON, so that an event can carry it."""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict

from serving.drift.backend import Outcome


class _Evidence(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Test(_Evidence):
    """One test. Backends' figures are kept in single precision: alibi-detect gives no more."""

    __test__ = False  # not a test of pytest's

    kind: Literal["ks", "chi-squared", "fisher"]
    statistic: float
    p_value: float

    @classmethod
    def of(cls, kind: Literal["ks", "chi-squared"], outcome: Outcome) -> Test:
        """A test from what a backend found."""
        return cls(
            kind=kind, statistic=float(np.float32(outcome.statistic)), p_value=float(np.float32(outcome.p_value))
        )


class Shares(_Evidence):
    """Part of all rows, from 0 to 1."""

    reference: float
    window: float


class ColumnDrift(_Evidence):
    """A feature, or the score."""

    name: str
    drifted: bool
    """Whether one of its tests has a p-value below the threshold."""
    threshold: float
    """The p-value asked for, divided by the tests that are made together."""
    importance: float | None
    """Its share of the model's importance; None: not known."""
    values: Test | None
    """Of the values that are there and known; None: too few, or only one category."""
    missing: Test | None
    """Of the share of missing values; None: none is missing, or all are."""
    unseen: Test | None
    """Of the share of categories that the feature does not list, among the values that are there."""
    missing_share: Shares
    unseen_share: Shares


class DriftReport(_Evidence):
    """A window against its reference."""

    backend: Literal["alibi-detect", "scipy"]
    p_value: float
    reference_rows: int
    window_rows: int
    features: tuple[ColumnDrift, ...]
    score: ColumnDrift
    drifted_importance: float | None
    """Importance of all drifted features together, from 0 to 1; None: not known."""
    warning: bool
    """Some feature drifted, or the score did."""
    reasons: tuple[str, ...]
    """Why the model may need training, in sentences. Empty: there is no reason."""

    @property
    def drifted(self) -> tuple[str, ...]:
        """Names of the features that drifted."""
        return tuple(feature.name for feature in self.features if feature.drifted)
