"""The course of an overload as a picture."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from pressure.course import BUSY, OK
from pressure.verdict import Figures


def draw(figures: Figures, path: Path) -> None:
    """Requests a second by how they ended, and the p99 of those accepted."""
    from matplotlib.figure import Figure

    played, course = figures.played, figures.played.course
    seconds = np.arange(1, int(course.due.max()))
    each = [course.between(float(second), float(second + 1)) for second in seconds]
    drawn = Figure(figsize=(10, 5.5), layout="constrained")
    rates, times = drawn.subplots(2, 1, sharex=True)
    rates.plot(seconds, [len(one.due) for one in each], color="grey", label="offered")
    rates.plot(seconds, [one.count(BUSY) for one in each], color="#c9a227", label="503")
    rates.plot(seconds, [one.count(OK) for one in each], color="#1f6feb", label="200")
    rates.axhline(played.capacity, color="black", linestyle=":", label="capacity, in a closed loop")
    rates.set_ylabel("requests a second")
    rates.legend(frameon=False, ncols=4)
    times.semilogy(seconds, [one.milliseconds(0.99) for one in each], color="#1f6feb")
    times.set(ylabel="p99 of accepted, ms", xlabel="seconds")
    for axes in (rates, times):
        axes.axvspan(played.begin, played.end, color="#c93c37", alpha=0.08)
        axes.grid(alpha=0.3)
    drawn.savefig(path, dpi=120)
