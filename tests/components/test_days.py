"""days: what a run that the clock starts is about."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from components.days import run
from contracts.errors import ConfigError, DataError
from contracts.loop import LoopSpec


def _loop(spec: LoopSpec, **retrain: object) -> LoopSpec:
    return spec.model_copy(update={"retrain": spec.retrain.model_copy(update=retrain)})


def test_the_newest_days_with_labels_are_the_holdout(spec: LoopSpec) -> None:
    """A day's labels come a day later here; what is before the holdout is trained on."""
    days, chosen_at = run(_loop(spec, history_start=date(2013, 1, 1), holdout_days=14), "2013-05-01")
    assert (days.start, days.end, days.holdout_end) == (date(2013, 1, 1), date(2013, 4, 16), date(2013, 4, 30))
    assert chosen_at == "2013-05-01T00:00:00+00:00"


def test_without_a_day_it_is_the_clocks(spec: LoopSpec) -> None:
    """Two runs never have one time, and so no run takes another's rows from a cache."""
    before = datetime.now(UTC)
    days, chosen_at = run(_loop(spec, training_days=60, holdout_days=14), "")
    assert before <= datetime.fromisoformat(chosen_at) <= datetime.now(UTC)
    assert (days.end - days.start).days == 60


def test_days_on_which_nothing_can_be_trained(spec: LoopSpec) -> None:
    """No history to begin with, or too little of it."""
    with pytest.raises(ConfigError, match="does not say on what days"):
        run(spec, "2013-05-01")
    with pytest.raises(DataError, match="too little to train on"):
        run(_loop(spec, history_start=date(2013, 4, 1), holdout_days=28), "2013-05-01")
