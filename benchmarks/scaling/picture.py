"""The figures as a picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from scaling.case import Case
from scaling.process import Cost
from scaling.verdict import PEAK_LIMIT_BYTES


def draw(cases: Sequence[Case], path: Path) -> None:
    """Seconds and peak memory by number of rows, both axes logarithmic; `path` ends in .svg or .png."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4.2), layout="constrained")
    seconds, peak = figure.subplots(1, 2)
    _lines(seconds, cases, lambda cost: cost.seconds)
    _lines(peak, cases, lambda cost: cost.peak_bytes / 2**30)
    peak.axhline(PEAK_LIMIT_BYTES / 2**30, color="grey", linestyle=":")
    seconds.set(title="Seconds", xlabel="flights")
    peak.set(title="Peak memory, GiB (dotted: the limit of a step)", xlabel="flights")
    seconds.legend(frameon=False)
    figure.savefig(path)


def _lines(axes: Any, cases: Sequence[Case], figure_of: Any) -> None:
    rows = [case.rows for case in cases]
    for step in cases[0].steps:
        axes.loglog(rows, [figure_of(case.steps[step]) for case in cases], marker="o", label=step)
    axes.loglog(rows, [figure_of(case.whole) for case in cases], "k-o", label="all four")
    plain: list[tuple[int, Cost]] = [(case.rows, case.plain) for case in cases if case.plain]
    axes.loglog([row for row, _ in plain], [figure_of(cost) for _, cost in plain], "k--s", label="plain pandas")
    axes.grid(alpha=0.3)
