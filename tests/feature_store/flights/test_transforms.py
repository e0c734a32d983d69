"""Rolling statistics against their definition, computed the slow way."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from feature_store.contract import LABEL, ROW_ID, DataContract
from feature_store.flights.transforms import MAX_DELAY_MINUTES, WAITING_HOURS, scheduled_departure

SAMPLED = 60


@pytest.mark.parametrize("key", ["origin", "carrier"])
def test_rolling_statistics(contract: DataContract, refined: dict[str, pd.DataFrame], key: str) -> None:
    """At each tick: mean capped delay, share of late and number of departures in three hours, and who waits."""
    flights = refined["flights"]
    scheduled = scheduled_departure(flights)
    left_at = scheduled + pd.to_timedelta(flights["dep_delay"], unit="m")
    table = contract.feature_tables(refined)[f"{key}_delays"]
    for row in table.sample(SAMPLED, random_state=1).to_dict("records"):
        now, same = row["known_at"], flights[key] == row[key]
        lately = flights["dep_delay"][same & (left_at <= now) & (left_at >= now - pd.Timedelta(hours=3))]
        waiting = same & (scheduled <= now) & ~(left_at <= now) & (now < scheduled + pd.Timedelta(hours=WAITING_HOURS))
        assert row[f"{key}_departures_3h"] == len(lately)
        assert row[f"{key}_waiting"] == waiting.sum()
        _equal(row[f"{key}_delay_mean_3h"], lately.clip(upper=MAX_DELAY_MINUTES).mean())
        _equal(row[f"{key}_late_share_3h"], (lately > 15).mean() if len(lately) else np.nan)


def test_aircraft_statistics(contract: DataContract, refined: dict[str, pd.DataFrame]) -> None:
    """At each departure of an aircraft: how late it was on those of the last twelve hours, this one included."""
    flights = refined["flights"]
    left_at = scheduled_departure(flights) + pd.to_timedelta(flights["dep_delay"], unit="m")
    for row in contract.feature_tables(refined)["aircraft_delays"].sample(SAMPLED, random_state=1).to_dict("records"):
        now = row["known_at"]
        since = now - pd.Timedelta(hours=12)
        own = flights["dep_delay"][(flights["tailnum"] == row["tailnum"]) & (left_at <= now) & (left_at >= since)]
        _equal(row["aircraft_delay_mean_12h"], own.clip(upper=MAX_DELAY_MINUTES).mean())
        _equal(row["aircraft_late_share_12h"], (own > 15).mean())


def test_one_value_a_key_and_instant(contract: DataContract, refined: dict[str, pd.DataFrame]) -> None:
    """No feature table has two rows for the same key and instant: a join could pick either."""
    for name, table in contract.feature_tables(refined).items():
        keys = [column for column in ("origin", "carrier", "tailnum") if column in table.columns]
        assert not table.duplicated([*keys, "known_at"]).any(), name


def test_row_ids_are_unique(contract: DataContract, refined: dict[str, pd.DataFrame]) -> None:
    """A row id names one flight."""
    assert contract.events(refined["flights"])[ROW_ID].is_unique


def test_label(contract: DataContract) -> None:
    """Late is more than fifteen minutes; a flight that never arrived has no label."""
    flights = pd.DataFrame(
        {
            "time_hour": pd.to_datetime(["2013-01-05T10:00Z"] * 4).astype("datetime64[us, UTC]"),
            "minute": [0.0, 1.0, 2.0, 3.0],
            "carrier": pd.array(["UA"] * 4, dtype="string"),
            "flight": [1.0, 2.0, 3.0, 4.0],
            "tailnum": pd.array(["N1", "N1", None, "N1"], dtype="string"),
            "origin": pd.array(["EWR"] * 4, dtype="string"),
            "dest": pd.array(["ORD"] * 4, dtype="string"),
            "sched_arr_time": [1130.0] * 4,
            "distance": [719.0] * 4,
            "dep_delay": [0.0] * 4,
            "arr_delay": [15.0, 16.0, np.nan, -20.0],
        }
    )
    labels = contract.events(flights)[LABEL]
    assert labels.fillna(-1).tolist() == [0, 1, -1, 0]


def test_local_time(contract: DataContract, refined: dict[str, pd.DataFrame]) -> None:
    """Minutes of the day are local: the first flights leave New York at about five in the morning."""
    events = contract.events(refined["flights"])
    assert 5 * 60 <= events["departure_minute"].min() < 6 * 60
    assert events["weekday"].between(0, 6).all()


def _equal(found: float, expected: float) -> None:
    np.testing.assert_allclose(found, expected, rtol=1e-12, equal_nan=True)
