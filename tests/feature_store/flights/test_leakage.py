"""Nothing that happened after the decision may be in a row: neither a column nor a statistic."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from feature_store.contract import EVENT_TIME, LABEL, LABEL_TIME, ROW_ID, DataContract
from feature_store.flights.transforms import DECISION_LEAD, WEATHER_DELAY, scheduled_departure
from feature_store.store import historical, open_store, write_feature_tables

OUTCOMES = {"dep_delay", "arr_delay", "dep_time", "arr_time", "air_time", "label", "label_time"}


def test_no_outcome_is_a_feature(contract: DataContract) -> None:
    """No column of the model is an outcome of the flight itself."""
    assert not OUTCOMES & {column.name for column in contract.columns}


def test_the_question_is_asked_an_hour_before_departure(
    contract: DataContract, refined: dict[str, pd.DataFrame]
) -> None:
    """Every decision is dated one hour before scheduled departure."""
    events = contract.events(refined["flights"])
    assert (events[LABEL_TIME] - events[EVENT_TIME] == pd.Timedelta(hours=1)).all()
    assert pd.Timedelta(hours=1) == DECISION_LEAD


@pytest.mark.parametrize("seed", range(4))
def test_another_future_gives_the_same_rows(
    contract: DataContract, refined: dict[str, pd.DataFrame], tmp_path: Path, seed: int
) -> None:
    """Rows decided up to an instant are the same whatever happens after it: other delays, cancellations, weather."""
    generator = np.random.default_rng(seed)
    first, last = refined["flights"]["time_hour"].min(), refined["flights"]["time_hour"].max()
    now = first + (last - first) * generator.uniform(0.2, 0.95)
    before = _decided(contract, refined, now, tmp_path / "real")
    after = _decided(contract, _another_future(refined, now, generator), now, tmp_path / "other")
    assert len(before) > 200
    pd.testing.assert_frame_equal(before.drop(columns=LABEL), after.drop(columns=LABEL))


def test_the_check_can_fail(contract: DataContract, refined: dict[str, pd.DataFrame], tmp_path: Path) -> None:
    """A past that is another one gives other rows: the comparison above sees what it should."""
    generator = np.random.default_rng(0)
    middle = refined["flights"]["time_hour"].iloc[len(refined["flights"]) // 2]
    before = _decided(contract, refined, middle, tmp_path / "real")
    changed = _another_future(refined, middle - pd.Timedelta(hours=6), generator)
    after = _decided(contract, changed, middle, tmp_path / "other")
    with pytest.raises(AssertionError):
        pd.testing.assert_frame_equal(before.drop(columns=LABEL), after.drop(columns=LABEL))


def _decided(contract: DataContract, tables: dict[str, pd.DataFrame], now: pd.Timestamp, folder: Path) -> pd.DataFrame:
    """The training rows of all decisions up to an instant, by the path the pipeline takes."""
    events = contract.events(tables["flights"])
    events = events[events[EVENT_TIME] <= now].sort_values(ROW_ID, ignore_index=True)
    write_feature_tables(contract.feature_tables(tables), folder)
    store = open_store(contract, folder, str(folder / "registry.db"), str(folder / "online.db"))
    return historical(store, contract, events)


def _another_future(
    tables: dict[str, pd.DataFrame], now: pd.Timestamp, generator: np.random.Generator
) -> dict[str, pd.DataFrame]:
    """The same tables, with everything that was not known at `now` made up."""
    flights = tables["flights"].copy()
    left_at = scheduled_departure(flights) + pd.to_timedelta(flights["dep_delay"], unit="m")
    unknown = ~(left_at <= now)
    # A flight that has not left by now leaves later than now, or never: that much is known.
    overdue = ((now - scheduled_departure(flights)).dt.total_seconds() / 60).clip(lower=-30)
    later = pd.Series(np.floor(overdue) + 1 + generator.exponential(60, len(flights)).round(), flights.index)
    flights.loc[unknown, "dep_delay"] = later.where(generator.uniform(size=len(flights)) > 0.2)[unknown]
    # The arrival is never used before the decision, so all of them may be made up.
    flights["arr_delay"] = generator.normal(0, 60, len(flights)).round()
    weather = tables["weather"].copy()
    coming = weather["time_hour"] + WEATHER_DELAY > now
    for column in weather.columns.drop(["time_hour", "origin"]):
        weather.loc[coming, column] = generator.uniform(0, 50, int(coming.sum()))
    return {**tables, "flights": flights, "weather": weather}
