"""The pages people look at: validation, leaderboard, evaluation. Self-contained HTML, pictures drawn inside."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from components.evaluate import Evaluation, Judged
from components.lake import Manifest
from components.metrics import roc_curve
from components.rollout_story import Story
from components.train import Result
from components.validate import TableReport
from contracts.loop import RolloutSpec

if TYPE_CHECKING:
    from matplotlib.axes import Axes

CALIBRATION_BINS = 10
_INK, _ACCENT, _MUTED = "#1f2937", "#2563eb", "#9ca3af"


def validation_page(loop: str, raw: Manifest, refined: Manifest, reports: list[TableReport], limit: float) -> str:
    """What validation found, table by table."""
    return _render("validation.html", loop=loop, raw=raw, refined=refined, reports=reports, limit=limit)


def leaderboard_page(loop: str, metric: str, ranked: list[Result]) -> str:
    """All trials, best first."""
    return _render("leaderboard.html", loop=loop, metric=metric, ranked=ranked)


def evaluation_page(loop: str, judged: Judged) -> str:
    """Verdict, champion against challenger, curves and slices."""
    return _render(
        "evaluation.html",
        loop=loop,
        evaluation=judged.evaluation,
        positive=judged.classes[-1],
        roc=_svg(lambda axes: _draw_roc(axes, judged)),
        calibration=_svg(lambda axes: _draw_calibration(axes, judged)),
        slices=_svg(
            lambda axes: _draw_slices(axes, judged.evaluation), height=max(2.5, 0.28 * len(judged.evaluation.slices))
        ),
    )


def rollout_page(story: Story, spec: RolloutSpec) -> str:
    """Every decision, every look with its tests, and how near to their limits the measures came."""
    return _render("rollout.html", story=story, spec=spec, looks=_svg(lambda axes: _draw_looks(axes, story, spec)))


def _render(template: str, **values: Any) -> str:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(loader=PackageLoader("components"), autoescape=True, undefined=StrictUndefined)
    return environment.get_template(template).render(**values)


def _svg(draw: Any, height: float = 4.0) -> Any:
    """A matplotlib picture as inline SVG, the same bytes for the same numbers."""
    import matplotlib as mpl
    from markupsafe import Markup
    from matplotlib.figure import Figure

    with mpl.rc_context(
        {"svg.hashsalt": "driftloop", "svg.fonttype": "none", "font.family": "sans-serif", "font.size": 9}
    ):
        figure = Figure(figsize=(5, height), layout="constrained")
        axes = figure.add_subplot()
        axes.spines[["top", "right"]].set_visible(False)
        draw(axes)
        text = io.StringIO()
        figure.savefig(text, format="svg", metadata={"Date": None})
    body = text.getvalue()
    return Markup(body[body.index("<svg") :])  # noqa: S704 - drawn here, from numbers


def _draw_roc(axes: Axes, judged: Judged) -> None:
    evaluation = judged.evaluation
    if judged.champion is not None:
        false_rate, true_rate, _ = roc_curve(judged.labels, judged.champion)
        axes.plot(false_rate, true_rate, color=_MUTED, label=f"champion {evaluation.champion_roc_auc:.4f}")
    false_rate, true_rate, _ = roc_curve(judged.labels, judged.challenger)
    axes.plot(false_rate, true_rate, color=_ACCENT, label=f"challenger {evaluation.roc_auc:.4f}")
    axes.plot([0, 1], [0, 1], color=_MUTED, linewidth=0.7, linestyle=":")
    axes.set(xlabel="false positive rate", ylabel="true positive rate", title="ROC")
    axes.legend(frameon=False, loc="lower right")


def _draw_calibration(axes: Axes, judged: Judged) -> None:
    import numpy as np

    order = np.array_split(np.argsort(judged.challenger, kind="stable"), CALIBRATION_BINS)
    predicted = [float(judged.challenger[part].mean()) for part in order if len(part)]
    observed = [float(judged.labels[part].mean()) for part in order if len(part)]
    top = max([*predicted, *observed])
    axes.plot([0, top], [0, top], color=_MUTED, linewidth=0.7, linestyle=":")
    axes.plot(predicted, observed, color=_ACCENT, marker="o", markersize=4)
    axes.set(xlabel="predicted probability (tenths of the rows)", ylabel="observed share", title="Calibration")


def _draw_slices(axes: Axes, evaluation: Evaluation) -> None:
    parts = evaluation.slices[::-1]
    positions = range(len(parts))
    if any(part.champion_roc_auc is not None for part in parts):
        before = [part.champion_roc_auc if part.champion_roc_auc is not None else float("nan") for part in parts]
        axes.plot(before, positions, "o", color=_MUTED, markersize=5, label="champion")
    axes.plot([part.roc_auc for part in parts], positions, "o", color=_ACCENT, markersize=5, label="challenger")
    axes.axvline(evaluation.roc_auc, color=_INK, linewidth=0.6, linestyle=":")
    axes.set_yticks(list(positions), [f"{part.column} {part.value}" for part in parts])
    axes.set(xlabel="ROC AUC", title="Slices")
    if parts:
        axes.legend(frameon=False)


def _draw_looks(axes: Axes, story: Story, spec: RolloutSpec) -> None:
    """Each measure as a share of its limit, look after look: what fails lies beyond 1."""
    measures = {
        "errors": lambda found: (
            (found["canary_error_share"] - found["stable_error_share"]) / (spec.max_error_share or 1)
        ),
        "latency": lambda found: found["latency_ratio"] / spec.max_latency_ratio,
        "scores": lambda found: found["score_distance_low"] / (spec.max_score_distance or 1),
    }
    for (name, measure), marker in zip(measures.items(), "os^", strict=True):
        points = [(place, _measured(measure, look.evidence)) for place, look in enumerate(story.looks, 1)]
        axes.plot(*zip(*points, strict=True) if points else ([], []), marker=marker, markersize=4, label=name)
    axes.axhline(1, color=_INK, linewidth=0.7, linestyle=":")
    names = [f"{look.percent} %\n{look.canary_rows}" for look in story.looks]
    axes.set_xticks(range(1, len(names) + 1), names)
    axes.set(ylabel="share of its limit", xlabel="share of the traffic, rows of the canary", title="Looks")
    axes.legend(frameon=False)


def _measured(measure: Callable[[dict[str, float]], float], evidence: dict[str, float]) -> float:
    try:
        return measure(evidence)
    except KeyError:  # not known at this look
        return float("nan")
