"""Which drift leads to a training run, on which days it trains, and why another does not."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from contracts.errors import ConfigError
from contracts.events import Drift, Performance
from contracts.loop import LoopSpec
from serving.trigger.policy import SKEW, Decision, PastRun, ahead, decide

START = datetime(2013, 3, 1, tzinfo=UTC)


def loop(**retrain: Any) -> LoopSpec:
    """A loop whose windows are days; three of five must drift."""
    settings = {
        "windows_drifted": 3,
        "windows_considered": 5,
        "cooldown_days": 14,
        "min_service_days": 0,
        "holdout_days": 14,
        "history_start": date(2013, 1, 1),
    }
    train = {"space": {"logistic_regression": {"C": [1.0]}}, "validation_days": 14}
    return LoopSpec.model_validate(
        {"name": "trips", "data": {"source": "trips"}, "train": train, "retrain": settings | retrain}
    )


def seen(day: int, verdict: str = "drift", fell: bool | None = None, version: str = "1") -> Drift:
    """The window of one day; `fell` None: it has no labels yet."""
    performance = None
    if fell is not None:
        performance = Performance(
            metric="roc_auc", value=0.6, low=0.55, high=0.65, expected=0.75 if fell else 0.65, rows=900, fell=fell
        )
    start = START + timedelta(days=day)
    return Drift.model_validate(
        {
            "loop": "trips",
            "window_id": f"{version}-{day}-{fell}",
            "window": f"{version}-{day:06d}",
            "model_version": version,
            "start": start,
            "end": start + timedelta(days=1),
            "rows": 1000,
            "features": (),
            "scores": (),
            "performance": performance,
            "reasons": ("The model's scores drifted.",) if verdict == "drift" else (),
            "verdict": verdict,
        }
    )


def days(verdicts: str, version: str = "1", first: int = 0) -> list[Drift]:
    """A window a day: `d` drifted, `-` did not."""
    return [
        seen(first + day, "drift" if letter == "d" else "none", version=version) for day, letter in enumerate(verdicts)
    ]


def last(spec: LoopSpec, drifts: list[Drift], runs: tuple[PastRun, ...] = ()) -> Decision:
    """What follows from the last of some events."""
    return decide(spec, drifts[:-1], runs, drifts[-1])


def ran(drift: Drift, state: str = "succeeded", episode: str = "1-before") -> PastRun:
    """A run decided on at the end of a window."""
    return PastRun(episode, drift.end, state)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("verdicts", "accepted"), [("d", False), ("dd", False), ("ddd", True), ("d-d-d", True), ("dd---d", False)]
)
def test_drift_must_last(verdicts: str, accepted: bool) -> None:
    """Three of the last five windows."""
    assert last(loop(), days(verdicts)).accepted is accepted


def test_a_warning_is_no_drift() -> None:
    """However often some feature differs."""
    decision = last(loop(), [seen(day, "warning") for day in range(20)])
    assert (decision.accepted, decision.episode) == (False, None)
    assert "0 of the last 5 windows" in decision.reason


def test_a_window_counts_once_though_it_is_told_twice() -> None:
    """When it is full, and when its labels have come."""
    twice = [seen(0), seen(0, fell=False), seen(1), seen(1, fell=False)]
    assert not last(loop(), twice).accepted


def test_another_versions_windows_do_not_count() -> None:
    """A new version starts with a clean record."""
    assert not last(loop(), [*days("dddd"), *days("dd", version="2", first=4)]).accepted


def test_drift_alone_waits_until_the_version_has_served() -> None:
    """Sooner there is little new to learn from."""
    spec = loop(min_service_days=30)
    young, old = last(spec, days("d" * 29)), last(spec, days("d" * 30))
    assert (young.accepted, old.accepted) == (False, True)
    assert "has served for 29.0 days only" in young.reason


def test_a_lasting_fall_of_performance_does_not_wait() -> None:
    """Three of the last five labelled windows; drift need not be seen."""
    falls = [seen(day, "none", fell=True) for day in range(3)]
    decision = last(loop(min_service_days=30), falls)
    assert decision.accepted
    assert "scored worse than its holdout promised" in decision.reason


def test_falls_are_counted_among_windows_with_labels() -> None:
    """Newer windows whose labels have not come do not push them out."""
    falls = [seen(day, "none", fell=True) for day in range(3)]
    assert last(loop(min_service_days=30), [*falls, *days("-----", first=3)]).accepted


def test_the_cooldown_counts_days_of_events() -> None:
    """Since the last run, however it ended."""
    drifts = days("d" * 20)
    near, far = ran(drifts[6], "failed"), ran(drifts[5])
    assert "cooldown is 14 days" in last(loop(), drifts, (near,)).reason
    assert last(loop(), drifts, (far,)).accepted


def test_what_comes_after_a_later_windows_run_is_late() -> None:
    """It leads to no run, whatever the cooldown; what follows that run does."""
    drifts = days("d" * 20)
    spec, runs = loop(cooldown_days=0), (ran(drifts[6], episode="1-000004"),)
    late = decide(spec, drifts, runs, drifts[4])
    assert (late.accepted, late.reason) == (
        False,
        "It is late: its window ended on 2013-03-06, before the last run's (2013-03-08).",
    )
    assert decide(spec, drifts, runs, drifts[8]).accepted


def test_a_window_of_the_future_is_not_decided_on() -> None:
    """Clocks may differ a little, not more."""
    window = seen(0)
    assert ahead(window, window.end) == ahead(window, window.end - SKEW) == ""
    assert "ends at 2013-03-02 00:00 UTC, later than now (2013-03-01 23:49)" in ahead(
        window, window.end - timedelta(minutes=11)
    )


def test_one_run_at_a_time() -> None:
    """However long it takes."""
    drifts = days("d" * 40)
    decision = last(loop(), drifts, (ran(drifts[2], "in_flight"),))
    assert (decision.accepted, decision.reason) == (False, "The run of episode 1-before is still in progress.")


def test_a_day_has_a_budget() -> None:
    """Also where there is no cooldown."""
    drifts = days("ddd")
    today = PastRun("1-before", drifts[-1].end - timedelta(seconds=0), "failed")
    spec = loop(cooldown_days=0, windows_drifted=1)
    assert "budget of 1 a day is spent on 2013-03-04" in last(spec, drifts, (today,)).reason
    assert last(loop(cooldown_days=0, windows_drifted=1, daily_budget=2), drifts, (today,)).accepted


def test_an_episode_is_named_after_its_first_drifted_window() -> None:
    """After a run the next one begins."""
    drifts = days("-ddd" + "d" * 20)
    assert last(loop(), drifts[:4]).episode == "1-000001"
    assert last(loop(), drifts, (ran(drifts[3], episode="1-000001"),)).episode == "1-000004"


def test_an_event_that_comes_again_gives_the_same_decision() -> None:
    """Before its run is known, while it runs, and after."""
    drifts = days("ddd")
    first = last(loop(), drifts)
    assert first.episode is not None
    for state in ("in_flight", "succeeded", "failed", "cancelled"):
        again = decide(loop(), drifts, (ran(drifts[-1], state, first.episode),), drifts[-1])
        assert again == first
    assert decide(loop(), days("ddddddd"), (), drifts[-1]) == first


def test_an_episode_has_one_run() -> None:
    """The labels of the window that led to it come later, and lead to no second one."""
    drifts = days("ddd")
    episode = last(loop(), drifts).episode
    assert episode is not None
    labelled = seen(2, fell=True)
    decision = decide(loop(cooldown_days=0), drifts, (ran(drifts[-1], "succeeded", episode),), labelled)
    assert not decision.accepted


def test_the_labels_of_a_window_may_lead_to_the_run() -> None:
    """And do so again when they come again."""
    spec = loop(min_service_days=30)
    falls = [seen(0, "none", fell=True), seen(1, "none", fell=True), seen(2, "none"), seen(2, "none", fell=True)]
    first = last(spec, falls)
    assert first.accepted
    assert first.episode is not None
    assert last(spec, falls, (ran(falls[-1], "in_flight", first.episode),)) == first


def test_late_labels_of_an_old_version_lead_to_nothing() -> None:
    """Another one serves by now."""
    spec = loop(cooldown_days=0)
    late = seen(2, "none", fell=True)
    drifts = [seen(0, "none", fell=True), seen(1, "none", fell=True), *days("--", version="2", first=4)]
    assert decide(spec, drifts, (), late).reason == "Version 2 serves by now."


def test_events_out_of_order_count_in_event_time() -> None:
    """Whatever order the history is in."""
    drifts = days("d--dd-d")
    assert decide(loop(), drifts[:-1][::-1], (), drifts[-1]) == last(loop(), drifts)


def test_a_run_trains_on_the_days_before_the_holdout() -> None:
    """The newest days whose labels are known are the holdout."""
    decision = last(loop(), days("ddd"))  # ends on 4 March; with a day's delay labels reach to the 3rd
    assert (decision.start, decision.end, decision.holdout_end) == (
        date(2013, 1, 1),
        date(2013, 2, 17),
        date(2013, 3, 3),
    )


def test_a_training_window_may_have_a_length() -> None:
    """It ends where the holdout begins."""
    decision = last(loop(training_days=30), days("ddd"))
    assert (decision.start, decision.end) == (date(2013, 1, 18), date(2013, 2, 17))


def test_too_little_history_is_no_training_window() -> None:
    """It must be longer than the days a trial is scored on."""
    decision = last(loop(history_start=date(2013, 2, 3)), days("ddd"))
    assert not decision.accepted
    assert "too little to train on" in decision.reason


def test_a_loop_says_on_what_days_it_trains() -> None:
    """Or the error names the two keys."""
    with pytest.raises(ConfigError, match=r"retrain\.history_start"):
        last(loop(history_start=None), days("ddd"))
