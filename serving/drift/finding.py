"""From what was measured of a window to the event that tells it: evidence, reasons, verdict."""

from __future__ import annotations

from collections.abc import Iterator
from heapq import nsmallest
from typing import Literal

from contracts.events import MAX_FEATURES, Drift, Evidence, Performance, Window
from serving.drift.evidence import ColumnDrift, DriftReport


def finding(window: Window, window_id: str, report: DriftReport, label: str, performance: Performance | None) -> Drift:
    """The drift event of a window; `label` is the class whose probability the score is. No clock, no chance."""
    features = [evidence for column in report.features for evidence in _evidence(column, column.name)]
    reasons = (*report.reasons, *_fall(performance))
    return Drift(
        loop=window.loop,
        window_id=window_id,
        window=window.window,
        model_version=window.model_version,
        start=window.start,
        end=window.end,
        rows=report.window_rows,
        features=_most_telling(features),
        scores=tuple(_evidence(report.score, label)),
        drifted_importance=report.drifted_importance,
        performance=performance,
        reasons=reasons,
        verdict=_verdict(bool(reasons), report.warning),
    )


def _verdict(is_reasoned: bool, is_warned: bool) -> Literal["none", "warning", "drift"]:
    if is_reasoned:
        return "drift"
    return "warning" if is_warned else "none"


def _evidence(column: ColumnDrift, name: str) -> Iterator[Evidence]:
    for what, test in (("values", column.values), ("missing", column.missing), ("unseen", column.unseen)):
        if test is not None:
            yield Evidence(
                feature=name,
                test=f"{what}: {test.kind}",
                statistic=test.statistic,
                p_value=test.p_value,
                drifted=test.p_value < column.threshold,
            )


def _most_telling(evidence: list[Evidence]) -> tuple[Evidence, ...]:
    """All of it, in the features' order; of very many features, the tests that an event has room for."""
    if len(evidence) <= MAX_FEATURES:
        return tuple(evidence)
    chosen = nsmallest(MAX_FEATURES, range(len(evidence)), key=lambda place: (evidence[place].p_value, place))
    return tuple(evidence[place] for place in sorted(chosen))


def _fall(performance: Performance | None) -> list[str]:
    if performance is None or not performance.fell:
        return []
    found = f"{performance.value:.3f} (between {performance.low:.3f} and {performance.high:.3f})"
    return [f"The ROC AUC fell to {found}; {performance.expected:.3f} was measured when the version was registered."]
