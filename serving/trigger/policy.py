"""Whether a drift event leads to a training run. Pure: days are those of the events, and nothing is asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal

from contracts.events import Drift
from contracts.loop import LoopSpec


@dataclass(frozen=True)
class PastRun:
    """A training run of the loop."""

    episode: str
    at: datetime
    """End of the window that led to it."""
    state: Literal["in_flight", "succeeded", "failed", "cancelled"]


@dataclass(frozen=True)
class Decision:
    """What is to be done about a drift event, and the windows of the run."""

    accepted: bool
    episode: str | None
    reason: str
    start: date
    end: date
    holdout_end: date


def decide(spec: LoopSpec, history: Sequence[Drift], runs: Sequence[PastRun], event: Drift) -> Decision:
    """The decision on one event, given the loop's drift events in event-time order and its runs so far."""
    windows = _windows(history, event)
    since = max((run.at for run in runs if run.at < event.end), default=None)
    drifted = [drift for drift in windows if drift.verdict == "drift" and (since is None or drift.end > since)]
    episode = drifted[0].window if drifted else None
    holdout_end = (event.end - timedelta(hours=spec.data.label_delay_hours)).date()
    end = holdout_end - timedelta(days=spec.retrain.holdout_days)
    start = spec.retrain.history_start or end - timedelta(days=spec.retrain.training_days)
    if spec.retrain.training_days:
        start = end - timedelta(days=spec.retrain.training_days)
    reason = _objection(spec, windows, runs, event, episode)
    if reason is None and start >= end:
        reason = f"There is nothing to train on before {end}."
    return Decision(reason is None, episode, reason or "The drift persists.", start, end, holdout_end)


def _windows(history: Sequence[Drift], event: Drift) -> list[Drift]:
    """A verdict a window of the version, up to the event's; the labelled one where there are two."""
    latest: dict[str, Drift] = {}
    for drift in (*history, event):
        kept = latest.get(drift.window)
        if drift.end > event.end or drift.model_version != event.model_version:
            continue
        if kept is None or drift.performance or not kept.performance:
            latest[drift.window] = drift
    return sorted(latest.values(), key=lambda drift: (drift.end, drift.window))


def _objection(
    spec: LoopSpec, windows: list[Drift], runs: Sequence[PastRun], event: Drift, episode: str | None
) -> str | None:
    rules = spec.retrain
    drifted = sum(drift.verdict == "drift" for drift in windows[-rules.windows_considered :])
    if episode is None or drifted < rules.windows_drifted:
        return f"{drifted} of the last {rules.windows_considered} windows drifted; {rules.windows_drifted} are needed."
    if any(run.episode == episode for run in runs):
        return f"Episode {episode} has had its run."
    if any(run.state == "in_flight" for run in runs):
        return "A run of the loop is in progress."
    if sum(run.at.date() == event.end.date() for run in runs) >= rules.daily_budget:
        return f"The budget of {rules.daily_budget} a day is spent."
    if any(event.end - run.at < timedelta(days=rules.cooldown_days) for run in runs):
        return f"The cooldown is {rules.cooldown_days:g} days."
    return None
