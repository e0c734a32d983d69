"""What a window costs: the backend `scipy` against alibi-detect's own call, in turns, by their medians.

Ours starts at the Arrow table and ends with the report; alibi-detect gets a matrix that is already clean and encoded.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from statistics import median

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from alibi_detect.cd import TabularDrift

from contracts.loop import DriftSpec
from contracts.model import Feature
from serving.drift.detect import detect
from serving.drift.reference import prepare
from serving.drift.scipy_backend import ScipyBackend

CATEGORIES = tuple(f"c{number}" for number in range(16))
NUMBERS, TEXTS = 23, 3
FEATURES = tuple(Feature(name=f"f{at}", categories=CATEGORIES if at < TEXTS else None) for at in range(NUMBERS + TEXTS))


def main() -> None:
    """Print the medians and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--reference-rows", type=int, default=10_000)
    parser.add_argument("--window-rows", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=21)
    options = parser.parse_args()
    known, window = matrix(0, options.reference_rows), matrix(1, options.window_rows)
    reference, rows, ours = prepare(table(known), FEATURES, DriftSpec(backend="scipy")), table(window), ScipyBackend()
    theirs = TabularDrift(known, categories_per_feature=dict.fromkeys(range(TEXTS)))
    times = in_turns([lambda: detect(reference, rows, ours), lambda: theirs.predict(window)], options.rounds)
    print(f"{options.window_rows} rows × {len(FEATURES)} features against {options.reference_rows} rows")
    print(f"driftloop, scipy          {times[0] * 1e3:8.2f} ms  from table to report, missing values tested too")
    print(f"alibi-detect TabularDrift {times[1] * 1e3:8.2f} ms  from clean matrix to p-values")
    print(f"ratio ours : alibi-detect's  1 : {times[1] / times[0]:.1f}")


def matrix(seed: int, rows: int) -> npt.NDArray[np.float32]:
    """Clean columns [rows, features]; of categories their positions."""
    random = np.random.default_rng(seed)
    places = random.integers(0, len(CATEGORIES), size=(rows, TEXTS))
    return np.hstack((places, random.normal(size=(rows, NUMBERS)))).astype(np.float32)


def table(columns: npt.NDArray[np.float32]) -> pa.Table:
    """The same columns as an event log has them, and a score."""
    named = {
        feature.name: columns[:, at] if feature.categories is None else [CATEGORIES[int(x)] for x in columns[:, at]]
        for at, feature in enumerate(FEATURES)
    }
    return pa.table({**named, "score": 1 / (1 + np.exp(-columns[:, -1]))})


def in_turns(calls: list[Callable[[], object]], rounds: int) -> list[float]:
    """Median seconds of each call; they take turns, so that a busy machine is busy for all."""
    seconds: list[list[float]] = [[] for _ in calls]
    for _ in range(rounds):
        for call, spent in zip(calls, seconds, strict=True):
            start = time.perf_counter()
            call()
            spent.append(time.perf_counter() - start)
    return [median(spent) for spent in seconds]


if __name__ == "__main__":
    main()
