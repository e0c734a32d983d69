"""The ratios as a picture: how many times better than KServe's server, case by case."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from servers.contenders import FASTAPI, KSERVE, MLSERVER
from servers.verdict import Result

_OTHERS = ((MLSERVER, "MLServer", "#8a8f98", "s"), (FASTAPI, "FastAPI", "#c9a227", "D"))
_OURS, _MISSED = "#1f6feb", "#c93c37"


def draw(results: Sequence[Result], path: Path) -> None:
    """A bar a case on a logarithmic axis, its target a line across it, the other servers points on it."""
    from matplotlib.figure import Figure

    shown = [result for result in results if result.case.yardstick == KSERVE][::-1]
    if not shown:
        return
    figure = Figure(figsize=(10, 1.2 + 0.42 * len(shown)), layout="constrained")
    axes = figure.subplots()
    for at, result in enumerate(shown):
        better = _better(result, result.case.ours)
        axes.barh(at, better - 1, left=1, height=0.6, color=_OURS if result.holds else _MISSED)
        axes.text(max(better, 1) * 1.04, at, f"{better:.1f}×", va="center", fontsize=9)
        target = 1 / result.case.target.value if result.case.target.is_most else result.case.target.value
        axes.plot([target, target], [at - 0.42, at + 0.42], color="black", linewidth=1.5)
        for name, _, color, marker in _OTHERS:
            if name in result.values:
                axes.plot(_better(result, name), at, marker, color=color, markeredgecolor="white")
    for _, label, color, marker in _OTHERS:
        axes.plot([], [], marker, color=color, label=label)
    axes.plot([], [], "|", color="black", markersize=12, label="target")
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter("{x:g}×")
    axes.axvline(1, color="grey", linewidth=1)
    axes.set_yticks(range(len(shown)), [result.case.text for result in shown])
    axes.set_title("Times better than KServe's own server: one processor, everything switched on")
    axes.legend(frameon=False, loc="lower right")
    axes.grid(axis="x", alpha=0.3)
    figure.savefig(path, dpi=120)


def _better(result: Result, name: str) -> float:
    value, kserve = result.values[name], result.values[KSERVE]
    return kserve / value if result.case.target.is_most else value / kserve
