"""The flights loop's schema by hand: for each table, which rows are good [rows]."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

Good = pd.Series  # of bool, one a row
ORIGINS = ("EWR", "JFK", "LGA")
WEATHER_RANGES = {
    "temp": (-60, 140),
    "dewp": (-80, 100),
    "humid": (0, 101),
    "wind_dir": (0, 360),
    "wind_speed": (0, 250),
    "wind_gust": (0, 300),
    "precip": (0, 20),
    "pressure": (850, 1100),
    "visib": (0, 100),
}


def flights(rows: pd.DataFrame) -> Good[bool]:
    """Flights with codes that are codes, numbers in range, and no repeated key."""
    good = (
        rows["time_hour"].notna()
        & rows["minute"].between(0, 59)
        & _matches(rows["carrier"], r"[A-Z0-9]{2}")
        & rows["flight"].between(1, 99_999)
        & (_matches(rows["tailnum"], r".{1,10}") | rows["tailnum"].isna())
        & rows["origin"].isin(ORIGINS)
        & _matches(rows["dest"], r"[A-Z0-9]{3}")
        & rows["sched_arr_time"].between(0, 2400)
        & (rows["sched_arr_time"] % 100 < 60)
        & rows["distance"].between(1, 12_000)
        & _within(rows["dep_delay"], -180, 3000)
        & _within(rows["arr_delay"], -240, 3000)
    )
    return good & ~_repeats(rows, ["time_hour", "minute", "carrier", "flight", "origin"])


def weather(rows: pd.DataFrame) -> Good[bool]:
    """Hours of a known airport with measurements in range, each hour once."""
    good = rows["time_hour"].notna() & rows["origin"].isin(ORIGINS)
    for name, (low, high) in WEATHER_RANGES.items():
        good &= _within(rows[name], low, high)
    return good & ~_repeats(rows, ["time_hour", "origin"])


def planes(rows: pd.DataFrame) -> Good[bool]:
    """Aircraft built and seated within reason, each once."""
    good = (
        rows["tailnum"].str.len().between(1, 10) & _within(rows["year"], 1940, 2100) & _within(rows["seats"], 1, 1000)
    )
    return good & ~_repeats(rows, ["tailnum"])


def _within(values: Any, low: float, high: float) -> Good[bool]:
    return pd.Series(values.between(low, high) | values.isna())


def _matches(values: Any, pattern: str) -> Good[bool]:
    """Of a column of categories only the categories are matched."""
    fits = np.append(values.cat.categories.str.fullmatch(pattern), False)
    return pd.Series(fits[values.cat.codes.to_numpy()].astype(bool), index=values.index)


def _repeats(rows: pd.DataFrame, key: list[str]) -> Good[bool]:
    return pd.Series(rows.duplicated(key, keep="first"))
