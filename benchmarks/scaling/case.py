"""One size, measured: every step of ours and the plain way beside them, turn by turn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import pyarrow.parquet as pq

from contracts.errors import DriftloopError
from pocket.progress import Progress, Step
from scaling.process import Cost, run
from scaling.size import Size
from scaling.step import STEPS


@dataclass(frozen=True)
class Case:
    """What a size costs."""

    size: str
    rows: int
    """Flights in the window."""
    steps: dict[str, Cost]
    plain: Cost | None
    """None: it did not fit into the memory it was allowed."""
    is_compared: bool
    """Whether both ways' features were compared, and were the same."""

    @property
    def whole(self) -> Cost:
        """All steps one after the other."""
        costs = self.steps.values()
        return Cost(
            sum(cost.seconds for cost in costs),
            sum(cost.processor_seconds for cost in costs),
            max(cost.peak_bytes for cost in costs),
        )


def measure(size: Size, folder: Path, env: Mapping[str, str], on_progress: Progress, is_compared: bool) -> Case:
    """Measure a size as often as it asks for, each time into a bucket of its own: nothing is there from before.

    `is_compared`: DriftloopError if the two ways' features differ.
    """
    ours: list[dict[str, Cost]] = []
    plain: list[Cost | None] = []
    _finished("store", size, folder, env)
    for turn in range(1, size.repeats + 1):
        place = folder / str(turn)
        own = {**env, "DRIFTLOOP_HOME": str(place), "DRIFTLOOP_DATA_BUCKET": f"{size.name}-{turn}"}
        told = f"({turn} of {size.repeats})"
        ours.append({step: _step(step, size, place, own, on_progress, told) for step in STEPS})
        on_progress(Step(size.name, f"with pandas {told}"))
        plain.append(run("plain", size.name, place, own))
    if is_compared:
        on_progress(Step(size.name, "comparing features"))
        _finished("compare", size, place, own)
    on_progress(Step(size.name, "measured", done=True))
    rows = pq.ParquetFile(place / "frame.parquet").metadata.num_rows
    steps = {step: _middle([costs[step] for costs in ours]) for step in STEPS}
    return Case(size.name, rows, steps, _middle_of_all(plain), is_compared)


def _step(step: str, size: Size, folder: Path, env: Mapping[str, str], on_progress: Progress, told: str) -> Cost:
    on_progress(Step(size.name, f"{step} {told}"))
    return _finished(step, size, folder, env)


def _finished(step: str, size: Size, folder: Path, env: Mapping[str, str]) -> Cost:
    cost = run(step, size.name, folder, env)
    if cost is None:
        raise DriftloopError(f"{step} of {size.name} ran out of memory.", "Choose smaller --sizes.")
    return cost


def _middle_of_all(costs: list[Cost | None]) -> Cost | None:
    """None if any did not finish."""
    finished = [cost for cost in costs if cost]
    return _middle(finished) if len(finished) == len(costs) else None


def _middle(costs: list[Cost]) -> Cost:
    return Cost(
        median(cost.seconds for cost in costs),
        median(cost.processor_seconds for cost in costs),
        int(median(cost.peak_bytes for cost in costs)),
    )
