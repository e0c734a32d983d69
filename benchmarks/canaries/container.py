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


@dataclass(frozen=True)
class Failing(ServedClassifier):
    """A model that fails one call in EVERY."""

    calls: count[int] = field(default_factory=lambda: count(1))

    def probabilities(self, matrix: Any) -> Any:
        """See ServedClassifier."""
        if next(self.calls) % EVERY == 0:
            raise RuntimeError("This call fails, as one in every few does.")
        return super().probabilities(matrix)


def main() -> int:
    """Serve, as far as this version's container can."""
    wrong = json.loads(os.environ.get(VERSIONS, "{}")).get(os.environ.get("DRIFTLOOP_MODEL_VERSION", ""))
    if wrong == "hangs":
        threading.Event().wait()
    if wrong == "errors":
        _let_fail()
    return predictor.main()


def _let_fail() -> None:
    opened = folder.open_plane

    def failing(options: Any) -> Any:
        plane = opened(options)
        served = plane.classifier
        return replace(plane, classifier=Failing(served.model, served.accepts_missing))

    folder.open_plane = failing


if __name__ == "__main__":
    sys.exit(main())
