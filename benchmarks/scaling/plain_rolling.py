"""What airport, carrier and aircraft have just been through, for every flight at once."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

TICK = "10min"
HOURS = 3
WAITING = pd.Timedelta(hours=3)


def recent_delays(flights: pd.DataFrame, frame: pd.DataFrame, key: str) -> dict[str, npt.NDArray[np.float64]]:
    """Mean delay, late share and number of the key's departures in the 3 hours up to the last tick; how many wait.

    Sums over a span of time are differences of cumulated sums, found by binary search: one pass a key, no window a row.
    """
    ticks = frame["asked"].dt.floor(TICK)
    known = ticks >= flights["departure"].min().floor(TICK)
    found = np.full((4, len(frame)), np.nan)
    gone = flights[flights["left_at"].notna()].sort_values("left_at")
    groups = {name: (gone[gone[key] == name], flights[flights[key] == name]) for name in frame[key].unique()}
    for name, (left, scheduled) in groups.items():
        where = np.flatnonzero((frame[key] == name) & known)
        found[:, where] = _at(ticks.iloc[where], left, scheduled)
    names = ("delay_mean_3h", "late_share_3h", "departures_3h", "waiting")
    return {f"{key}_{name}": values for name, values in zip(names, found, strict=True)}


def _at(ticks: pd.Series[pd.Timestamp], left: pd.DataFrame, scheduled: pd.DataFrame) -> npt.NDArray[np.float64]:
    times, at = _instants(left["left_at"]), _instants(ticks)
    first = np.searchsorted(times, at - np.timedelta64(HOURS, "h"), side="left")
    last = np.searchsorted(times, at, side="right")
    number = (last - first).astype("float64")
    sums = [_sum(left[name].to_numpy(), first, last) for name in ("delay", "late")]
    with np.errstate(invalid="ignore"):
        delay, late = sums[0] / number, sums[1] / number
    waiting = np.searchsorted(_instants(scheduled["departure"]), at, side="right")
    waiting -= np.searchsorted(np.sort(_instants(_stops_waiting(scheduled))), at, side="right")
    return np.stack([delay, late, number, waiting])


def _instants(times: pd.Series[pd.Timestamp]) -> npt.NDArray[np.datetime64]:
    """UTC without its name: with it they would be Python objects."""
    return times.to_numpy(dtype="datetime64[us]")


def _sum(
    values: npt.NDArray[np.float64], first: npt.NDArray[np.int64], last: npt.NDArray[np.int64]
) -> npt.NDArray[np.float64]:
    total = np.concatenate([[0.0], np.cumsum(values)])
    return np.asarray(total[last] - total[first])


def _stops_waiting(scheduled: pd.DataFrame) -> pd.Series[pd.Timestamp]:
    limit = scheduled["departure"] + WAITING
    stops = scheduled["left_at"].fillna(limit)
    return stops.where(stops < limit, limit).where(stops > scheduled["departure"], scheduled["departure"])


def aircraft_delays(flights: pd.DataFrame, frame: pd.DataFrame) -> dict[str, npt.NDArray[np.float64]]:
    """Mean delay and late share of each aircraft's departures in the 12 hours up to its last one."""
    gone = flights.loc[flights["left_at"].notna() & flights["tailnum"].notna(), ["tailnum", "left_at", "delay", "late"]]
    gone = gone.sort_values(["tailnum", "left_at"], ignore_index=True)
    rolling = gone.set_index("left_at").groupby("tailnum", observed=True).rolling("12h", closed="both")
    means = rolling[["delay", "late"]].mean().to_numpy()
    gone = gone.assign(aircraft_delay_mean_12h=means[:, 0], aircraft_late_share_12h=means[:, 1])
    gone = gone.drop_duplicates(["tailnum", "left_at"], keep="last").drop(columns=["delay", "late"])
    return latest(frame, gone, "tailnum", "left_at", hours=12)


def latest(
    frame: pd.DataFrame, known: pd.DataFrame, key: str, known_at: str, hours: int
) -> dict[str, npt.NDArray[np.float64]]:
    """Of each row's key, the columns that were known last when it was asked, and not longer ago than `hours`."""
    joined = pd.merge_asof(
        frame[["asked", key]],
        known.sort_values(known_at),
        left_on="asked",
        right_on=known_at,
        by=key,
        tolerance=pd.Timedelta(hours=hours),
    )
    return {name: joined[name].to_numpy() for name in known.columns.drop([key, known_at])}
