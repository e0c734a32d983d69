"""Whether drift leads to a training run, and on which days it trains: a pure function of what happened, in event time.

Two kinds of evidence lead to a run, each only if it lasts for k of the last n windows of the version:
- its labelled performance fell: the model answers worse than it did. Only the cooldown holds such a run back;
- its windows drifted, which says that the model was trained on another world, not that it does worse in this one. Such
  a run also waits until the version has served for a while, for sooner it would see little that is new.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Literal

from contracts.days import Days
from contracts.events import Drift
from contracts.loop import LoopSpec

SKEW = timedelta(minutes=10)
"""How far another machine's clock may be ahead."""


@dataclass(frozen=True)
class PastRun:
    """A training run that an episode led to."""

    episode: str
    at: datetime
    """End of the window that was decided on."""
    state: Literal["in_flight", "succeeded", "failed", "cancelled"]


@dataclass(frozen=True)
class Decision:
    """What follows from one drift event."""

    accepted: bool
    episode: str | None
    """Name of the run of drifted windows it belongs to; None: it belongs to none."""
    reason: str
    """A sentence."""
    start: date
    """First day to train on."""
    end: date
    """Day after the last one to train on; the holdout begins."""
    holdout_end: date
    """Day after the last one to judge on."""


def decide(spec: LoopSpec, history: Sequence[Drift], runs: Sequence[PastRun], event: Drift) -> Decision:
    """What follows from `event`; `history` has the loop's drift events, `runs` the runs there have been.

    A window has up to two events: when it is full, and when its labels have come. The same arguments give the same
    decision, and an accepted event that comes again is accepted again with the same episode, as long as its run is
    known by `at`. ConfigError: the loop does not say on what days it trains.
    """
    days = Days.of(spec, event.end)
    seen = _until(history, event)
    own = [drift for drift in seen if drift.model_version == event.model_version]
    episode = _episode(own, runs)
    is_run, reason = _judged(spec, history, own, runs, event, episode, days)
    return Decision(is_run, episode, reason, days.start, days.end, days.holdout_end)


def ahead(event: Drift, now: datetime) -> str:
    """Why an event is not decided on at `now`, by the wall clock, in a sentence; empty if it is.

    A run in the future would be the last one, and hold back all that really happens until then.
    """
    if event.end <= now + SKEW:
        return ""
    return (
        f"Its window ends at {event.end.astimezone(UTC):%Y-%m-%d %H:%M} UTC, later than now ({now:%Y-%m-%d %H:%M}): "
        "a clock of whoever told its rows' event_timestamp is wrong."
    )


def _judged(
    spec: LoopSpec,
    history: Sequence[Drift],
    own: Sequence[Drift],
    runs: Sequence[PastRun],
    event: Drift,
    episode: str | None,
    days: Days,
) -> tuple[bool, str]:
    fell, drifted = _lasting(spec, own, fell=True), _lasting(spec, own, fell=False)
    evidence = fell or drifted
    if episode is None or evidence is None:
        return False, _nothing_lasting(spec, own, event)
    if any(run.episode == episode for run in runs):
        return _again(spec, own, runs, event, episode, evidence)
    hindrance = (
        _superseded(history, event)
        or _held_back(spec, runs, event)
        or ("" if fell else _young(spec, own, event))
        or days.hindrance(spec)
    )
    return (False, hindrance) if hindrance else (True, evidence)


def _until(history: Sequence[Drift], event: Drift) -> list[Drift]:
    """The events up to this one, which is among them once; in the order of what they tell of."""
    others = [drift for drift in history if _order(drift) < _order(event)]
    return [*sorted(others, key=_order), event]


def _order(drift: Drift) -> tuple[datetime, str, bool]:
    """Of one window, the event with labels comes later."""
    return drift.end, drift.window, drift.performance is not None


def _episode(own: Sequence[Drift], runs: Sequence[PastRun]) -> str | None:
    """The first window that drifted since the last run before this event."""
    earlier = [run.at for run in runs if run.at < own[-1].end]
    since = max(earlier, default=None)
    names = [drift.window for drift in own if _is_drifted(drift) and (since is None or drift.end > since)]
    return names[0] if names else None


def _is_drifted(drift: Drift) -> bool:
    return drift.verdict == "drift" or _has_fallen(drift)


def _has_fallen(drift: Drift) -> bool:
    return drift.performance is not None and drift.performance.fell


def _lasting(spec: LoopSpec, own: Sequence[Drift], fell: bool) -> str | None:
    """The evidence in a sentence, if it lasts. Falls are counted among the windows that have labels."""
    told = [drift for drift in own if drift.performance is not None] if fell else own
    last = list(dict.fromkeys(drift.window for drift in told))[-spec.retrain.windows_considered :]
    is_so = _has_fallen if fell else _is_drifted
    hits = len({drift.window for drift in told if drift.window in last and is_so(drift)})
    if hits < spec.retrain.windows_drifted:
        return None
    what = "scored worse than its holdout promised" if fell else "drifted from what the model was trained on"
    why = "" if fell or not own[-1].reasons else f" {own[-1].reasons[0]}"
    return f"{hits} of the last {len(last)} windows of version {own[-1].model_version} {what}.{why}"


def _nothing_lasting(spec: LoopSpec, own: Sequence[Drift], event: Drift) -> str:
    last = list(dict.fromkeys(drift.window for drift in own))[-spec.retrain.windows_considered :]
    hits = len({drift.window for drift in own if drift.window in last and _is_drifted(drift)})
    return (
        f"{hits} of the last {len(last)} windows of version {event.model_version} drifted; "
        f"a run takes {spec.retrain.windows_drifted} of {spec.retrain.windows_considered}."
    )


def _again(
    spec: LoopSpec, own: Sequence[Drift], runs: Sequence[PastRun], event: Drift, episode: str, evidence: str
) -> tuple[bool, str]:
    """An episode that has its run: accepted if it was this very event that led to it."""
    others = [run for run in runs if run.episode != episode and run.at < event.end]
    is_own = any(run.episode == episode and run.at == event.end for run in runs)
    twins = [drift for drift in own[:-1] if drift.window == event.window]
    if is_own and not any(decide(spec, own, others, twin).accepted for twin in twins):
        return True, evidence
    return False, f"The run of this episode, {episode}, was started before."


def _superseded(history: Sequence[Drift], event: Drift) -> str:
    """Labels of an old version's rows may come when another one has long been serving."""
    newer = [drift for drift in history if drift.model_version != event.model_version and drift.start >= event.end]
    return f"Version {newer[-1].model_version} serves by now." if newer else ""


def _held_back(spec: LoopSpec, runs: Sequence[PastRun], event: Drift) -> str:
    """In-flight lock, daily budget, cooldown."""
    retrain = spec.retrain
    for run in runs:
        if run.state == "in_flight":
            return f"The run of episode {run.episode} is still in progress."
    today = [run for run in runs if run.at.date() == event.end.date()]
    if len(today) >= retrain.daily_budget:
        return f"The budget of {retrain.daily_budget} a day is spent on {event.end:%Y-%m-%d}."
    latest = max((run.at for run in runs), default=None)
    if latest is not None and latest > event.end:
        return f"It is late: its window ended on {event.end:%Y-%m-%d}, before the last run's ({latest:%Y-%m-%d})."
    if latest is not None and event.end - latest < timedelta(days=retrain.cooldown_days):
        return (
            f"The last run was {_days(event.end - latest)} ago ({latest:%Y-%m-%d}); "
            f"the cooldown is {retrain.cooldown_days:g} days."
        )
    return ""


def _young(spec: LoopSpec, own: Sequence[Drift], event: Drift) -> str:
    served = event.end - min(drift.start for drift in own)
    if served >= timedelta(days=spec.retrain.min_service_days):
        return ""
    return (
        f"Its windows drift, but version {event.model_version} has served for {_days(served)} only and no fall of its "
        f"performance lasts; drift alone waits for {spec.retrain.min_service_days:g} days."
    )


def _days(span: timedelta) -> str:
    return f"{span / timedelta(days=1):.1f} days"
