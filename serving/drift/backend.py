"""The two tests a backend makes, on clean arrays. What is made of missing, unseen and rare values is settled before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from serving.drift.column import Values

Table = npt.NDArray[np.int64]
"""Shape [2, categories]: rows of each category in the reference and in the window; no column is zero."""


class Outcome(NamedTuple):
    """What one test found."""

    statistic: float
    p_value: float


@dataclass(frozen=True)
class Ranked:
    """Sorted numbers of a reference, at least one, and what is derived from them once."""

    values: Values

    @cached_property
    def distinct(self) -> Values:
        """Each value once, ascending."""
        return np.unique(self.values)

    @cached_property
    def below(self) -> npt.NDArray[np.int64]:
        """Shape [distinct + 1]: how many numbers are less than each distinct one; last, how many there are."""
        return np.append(np.searchsorted(self.values, self.distinct), len(self.values))


class NumberPair(NamedTuple):
    """One column of numbers on both sides, both sorted and not empty."""

    reference: Ranked
    window: Values


class Backend(Protocol):
    """Two-sample tests, a column each."""

    @property
    def name(self) -> Literal["alibi-detect", "scipy"]:
        """As DriftSpec has it."""
        ...

    def kolmogorov_smirnov(self, pairs: Sequence[NumberPair]) -> list[Outcome]:
        """Two-sided, with the asymptotic p-value of the finite sample (`ks_2samp(method="asymp")` of scipy)."""
        ...

    def chi_squared(self, tables: Sequence[Table]) -> list[Outcome]:
        """Pearson's test of independence, with Yates' correction where there are two categories."""
        ...


def backend(name: Literal["alibi-detect", "scipy"]) -> Backend:
    """The backend of a DriftSpec. ConfigError if what it needs is not installed."""
    if name == "scipy":
        from serving.drift.scipy_backend import ScipyBackend

        return ScipyBackend()
    from serving.drift.alibi_backend import AlibiBackend

    return AlibiBackend()
