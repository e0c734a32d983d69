"""What the benchmark's ServingRuntime runs: the predictor, which misbehaves for the versions that the runtime names.

It stands for an image that was built wrong. The predictor itself knows nothing of it.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any

from serving.predictor import __main__ as predictor
from serving.predictor import folder
from serving.predictor.classifier import ServedClassifier

VERSIONS = "BENCH_CONTAINERS"
"""Variable with what happens to which version, as JSON: {"2": "errors"}."""
EVERY = 50
"""One request in so many fails."""
TIMES = 80
"""So often a slow version computes each answer. The model is a tenth of what a request of columns takes."""


@dataclass(frozen=True)
class Slow(ServedClassifier):
    """A model that takes TIMES as long."""

    def probabilities(self, matrix: Any) -> Any:
        """See ServedClassifier."""
        for _ in range(TIMES - 1):
            super().probabilities(matrix)
        return super().probabilities(matrix)


@dataclass(frozen=True)
class Failing(ServedClassifier):
    """A model that fails one call in EVERY."""

    calls: count[int] = field(default_factory=lambda: count(1))

    def probabilities(self, matrix: Any) -> Any:
        """See ServedClassifier."""
        if next(self.calls) % EVERY == 0:
            raise RuntimeError("This call fails, as one in every few does.")
        return super().probabilities(matrix)


_MISBEHAVING: dict[str, type[ServedClassifier]] = {"errors": Failing, "slow": Slow}


def main() -> int:
    """Serve, as far as this version's container can."""
    wrong = json.loads(os.environ.get(VERSIONS, "{}")).get(os.environ.get("DRIFTLOOP_MODEL_VERSION", ""))
    if wrong == "hangs":
        threading.Event().wait()
    if wrong in _MISBEHAVING:
        _let_serve(_MISBEHAVING[wrong])
    return predictor.main()


def _let_serve(kind: type[ServedClassifier]) -> None:
    opened = folder.open_plane

    def opened_so(options: Any) -> Any:
        plane = opened(options)
        served = plane.classifier
        return replace(plane, classifier=kind(served.model, served.accepts_missing))

    folder.open_plane = opened_so


if __name__ == "__main__":
    sys.exit(main())
