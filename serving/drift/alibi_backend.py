"""Backend `alibi-detect`: its TabularDrift, a detector for each column, for columns differ in what they lack."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from contracts.errors import ConfigError
from serving.drift.backend import NumberPair, Outcome, Table


class AlibiBackend:
    """Needs the environment of requirements/drift.txt. Business Source License 1.1."""

    name: Final = "alibi-detect"

    def __init__(self) -> None:
        """ConfigError if alibi-detect is not installed. Its import takes seconds."""
        try:
            from alibi_detect.cd import TabularDrift
        except ModuleNotFoundError as error:
            raise ConfigError(
                f"The drift backend alibi-detect is not installed here ({error.name} is missing).",
                "Use the environment of `make drift-env`, or set drift.backend to scipy.",
            ) from error
        self._detector: Any = TabularDrift

    def kolmogorov_smirnov(self, pairs: Sequence[NumberPair]) -> list[Outcome]:
        """See Backend."""
        return [self._score(pair.reference.values, pair.window, {}) for pair in pairs]

    def chi_squared(self, tables: Sequence[Table]) -> list[Outcome]:
        """See Backend."""
        return [self._score(_codes(table[0]), _codes(table[1]), {0: table.shape[1]}) for table in tables]

    def _score(self, reference: npt.NDArray[Any], window: npt.NDArray[Any], sizes: dict[int, int]) -> Outcome:
        detector = self._detector(reference[:, np.newaxis], categories_per_feature=sizes)
        chances, statistics = detector.score(window[:, np.newaxis])
        return Outcome(float(statistics[0]), float(chances[0]))


def _codes(counts: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    return np.repeat(np.arange(len(counts)), counts)
