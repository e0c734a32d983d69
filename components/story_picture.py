"""The picture of a story. Colours are Okabe and Ito's, and every line and mark has a shape of its own as well."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from math import isnan
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from components.story import Mark, MonthAuc

_INK, _MUTED, _FAINT = "#1f2937", "#6b7280", "#e5e7eb"
_BLUE, _ORANGE, _GREY, _RED, _GREEN = "#0072B2", "#E69F00", "#7f7f7f", "#D55E00", "#009E73"


class _Line(NamedTuple):
    who: Literal["never", "monthly", "driftloop"]
    label: str
    color: str
    style: str
    marker: str
    width: float


class _Lane(NamedTuple):
    height: int
    label: str
    marker: str
    color: str
    size: float


_LINES = (
    _Line("never", "never retrained", _GREY, (0, (4, 2)), "o", 1.6),  # type: ignore[arg-type]
    _Line("monthly", "retrained every month on two months", _ORANGE, (0, (1, 1.2)), "s", 1.8),  # type: ignore[arg-type]
    _Line("driftloop", "driftloop", _BLUE, "solid", "D", 2.6),
)
_LANES = {
    "suppressed": _Lane(3, "drift, held back", "|", _MUTED, 9),
    "retrain": _Lane(2, "retrain started", "^", _BLUE, 10),
    "gate_passed": _Lane(1, "gate: passed", "o", _GREEN, 9),
    "gate_rejected": _Lane(1, "gate: rejected", "X", _RED, 10),
    "promoted": _Lane(0, "promoted", "*", _GREEN, 15),
    "rolled_back": _Lane(0, "rolled back", "v", _RED, 10),
}
_ROWS = ("canary", "gate", "retrain", "drift, held back")


def draw(months: Sequence[MonthAuc], marks: Sequence[Mark]) -> Figure:
    """AUC by month above, the decisions below, one time axis."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context({"font.family": "sans-serif", "font.size": 10, "text.color": _INK, "axes.labelcolor": _INK}):
        figure = Figure(figsize=(11, 6.6), layout="constrained")
        above, below = figure.subplots(2, 1, sharex=True, height_ratios=(3.2, 1.25))
        _draw_months(above, months)
        _draw_decisions(below, marks)
        _draw_versions(above, below, marks)
        _dress(above, below, months)
    return figure


def _draw_months(axes: Axes, months: Sequence[MonthAuc]) -> None:
    middles = [_middle(month) for month in months]
    for line in _LINES:
        values = [_figure(getattr(month, line.who)) for month in months]
        axes.plot(
            middles,  # type: ignore[arg-type]
            values,
            color=line.color,
            linestyle=line.style,
            linewidth=line.width,
            marker=line.marker,
            markersize=6,
            markeredgecolor="white",
            label=_labelled(line.label, values),
            zorder=3,
        )
    ours, never = ([_figure(getattr(month, who)) for month in months] for who in ("driftloop", "never"))
    gains = [above >= under for above, under in zip(ours, never, strict=True)]
    axes.fill_between(middles, never, ours, where=gains, color=_BLUE, alpha=0.08, linewidth=0)  # type: ignore[arg-type]


def _draw_decisions(axes: Axes, marks: Sequence[Mark]) -> None:
    for kind, lane in _LANES.items():
        times = [mark.at for mark in marks if mark.kind == kind]
        if times:
            edge = {} if lane.marker == "|" else {"markeredgecolor": "white"}
            axes.plot(
                times,  # type: ignore[arg-type]
                [lane.height] * len(times),
                lane.marker,
                color=lane.color,
                markersize=lane.size,
                label=lane.label,
                zorder=3,
                **edge,  # type: ignore[arg-type]
            )
    axes.set_yticks(range(len(_ROWS)), _ROWS)
    axes.set_ylim(-0.6, len(_ROWS) - 0.4)
    axes.grid(axis="y", color=_FAINT)


def _draw_versions(above: Axes, below: Axes, marks: Sequence[Mark]) -> None:
    """A line where a version took over, with its name."""
    for mark in marks:
        if mark.kind != "promoted":
            continue
        for axes in (above, below):
            axes.axvline(mark.at, color=_GREEN, linewidth=0.9, alpha=0.7, zorder=1)  # type: ignore[arg-type]
        name = f" version {mark.version}" if mark.version else " promoted"
        above.annotate(
            name,
            (mark.at, 0.01),
            xycoords=("data", "axes fraction"),
            color=_GREEN,
            fontsize=9,
        )


def _dress(above: Axes, below: Axes, months: Sequence[MonthAuc]) -> None:
    from matplotlib.dates import DateFormatter, MonthLocator

    for axes in (above, below):
        axes.spines[["top", "right", "left"]].set_visible(False)
        axes.spines["bottom"].set_color(_FAINT)
        axes.tick_params(length=0, colors=_MUTED)
    above.grid(axis="y", color=_FAINT)
    above.set_ylabel("ROC AUC of the month's answers")
    above.set_title("What the loop was worth", loc="left", fontsize=14, fontweight="bold", pad=26)
    above.legend(loc="lower left", bbox_to_anchor=(-0.01, 1.0), ncols=3, frameon=False, borderaxespad=0)
    if below.get_legend_handles_labels()[0]:
        below.legend(loc="upper left", bbox_to_anchor=(-0.01, -0.16), ncols=6, frameon=False, handletextpad=0.2)
    if months:
        first, last = months[0].month, months[-1].month
        start = datetime(first.year, first.month, 1, tzinfo=UTC)
        end = datetime(last.year + last.month // 12, last.month % 12 + 1, 1, tzinfo=UTC)
        below.set_xlim(start, end)  # type: ignore[arg-type]
    below.xaxis.set_major_locator(MonthLocator(bymonthday=15))  # type: ignore[no-untyped-call]
    below.xaxis.set_major_formatter(DateFormatter("%b"))  # type: ignore[no-untyped-call]


def _middle(month: MonthAuc) -> datetime:
    return datetime(month.month.year, month.month.month, 1, tzinfo=UTC) + timedelta(days=14)


def _figure(value: float | None) -> float:
    return float("nan") if value is None else value


def _labelled(label: str, values: Sequence[float]) -> str:
    known = [value for value in values if not isnan(value)]
    return f"{label}  (mean {sum(known) / len(known):.3f})" if known else label
