"""Every feature of the flights loop, computed once and used by training and serving alike.

The decision is made one hour before scheduled departure, so a row may hold only what is known by then:
a departure delay from the minute the aircraft left, an hour's weather once the hour is over.
"""

from __future__ import annotations

from collections.abc import Mapping

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from feature_store.contract import EVENT_TIME, LABEL, LABEL_TIME, ROW_ID

DECISION_LEAD = pd.Timedelta(hours=1)
"""How long before scheduled departure the question is asked."""
LATE_AFTER_MINUTES = 15
"""A flight is late when it arrives more than this after schedule."""
WEATHER_DELAY = pd.Timedelta(hours=1)
"""An hour's observation is dated by its first minute and known once the hour is over."""
TICK_MINUTES = 10
"""Rolling statistics are refreshed this often."""
MAX_DELAY_MINUTES = 180
"""Longer delays count as this much in a mean, so that one flight does not speak for an airport."""
WAITING_HOURS = 3
"""After this long a flight that has not left no longer counts as waiting: it was cancelled."""
AIRPORT_ZONE = "America/New_York"


def events(flights: pd.DataFrame) -> pd.DataFrame:
    """Refined flights → one row a decision: identity, instants, label, join keys and request features."""
    departure = scheduled_departure(flights)
    frame = pd.DataFrame(
        {
            ROW_ID: _to_the_minute(departure)
            + "-"
            + flights["carrier"]
            + _digits(flights["flight"])
            + "-"
            + flights["origin"],
            EVENT_TIME: departure - DECISION_LEAD,
            LABEL_TIME: departure,
            LABEL: (flights["arr_delay"] > LATE_AFTER_MINUTES).astype("float64").where(flights["arr_delay"].notna()),
            "tailnum": flights["tailnum"].fillna(""),
        }
    )
    return pd.concat([frame, request_features(flights, departure)], axis=1)


def request_features(flights: pd.DataFrame, departure: pd.Series[pd.Timestamp]) -> pd.DataFrame:
    """What the schedule itself says: codes, local times in minutes of the day, day of the week (0 = Monday), miles."""
    local = departure.dt.tz_convert(AIRPORT_ZONE)
    return pd.DataFrame(
        {
            "carrier": flights["carrier"],
            "origin": flights["origin"],
            "dest": flights["dest"],
            "departure_minute": (local.dt.hour * 60 + local.dt.minute).astype("float64"),
            "weekday": local.dt.dayofweek.astype("float64"),
            "arrival_minute": flights["sched_arr_time"] // 100 * 60 + flights["sched_arr_time"] % 100,
            "distance": flights["distance"],
        }
    )


def scheduled_departure(flights: pd.DataFrame) -> pd.Series[pd.Timestamp]:
    """UTC instants."""
    return flights["time_hour"] + pd.to_timedelta(flights["minute"], unit="m").astype("timedelta64[us]")


def feature_tables(tables: Mapping[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """Refined flights, weather and planes → one table a feature view, each row with the instant it was `known_at`."""
    flights = tables["flights"]
    # duckdb wants its time-zone extension for aware timestamps: inside, UTC goes without its name.
    scheduled = scheduled_departure(flights).dt.tz_localize(None)
    departures = pd.DataFrame(
        {
            "origin": flights["origin"],
            "carrier": flights["carrier"],
            "tailnum": flights["tailnum"],
            "scheduled": scheduled,
            "left_at": scheduled + pd.to_timedelta(flights["dep_delay"], unit="m").astype("timedelta64[us]"),
            "delay": flights["dep_delay"].clip(upper=MAX_DELAY_MINUTES),
            "late": (flights["dep_delay"] > LATE_AFTER_MINUTES).astype("float64"),
        }
    )
    with duckdb.connect(config={"threads": 2}) as database:
        database.register("departures", departures)
        rolling = {
            "origin_delays": _rolling(database, "origin", hours=3),
            "carrier_delays": _rolling(database, "carrier", hours=3),
            "aircraft_delays": _aircraft(database, hours=12),
        }
    return {
        **{name: table.assign(known_at=table["known_at"].dt.tz_localize("UTC")) for name, table in rolling.items()},
        "origin_weather": _weather(tables["weather"]),
        "aircraft": _aircraft_facts(tables["planes"], scheduled.min().tz_localize("UTC")),
    }


def _rolling(database: duckdb.DuckDBPyConnection, key: str, hours: int) -> pd.DataFrame:
    """Mean delay, share of late departures and their number over the hours before each tick; waiting flights at it.

    Each is what had happened up to the tick, less what had happened up to `hours` before: a window at every tick would
    cost twice the time. Delays are whole minutes, so sums are exact in whatever order they are made.
    """
    rolled: pd.DataFrame = database.sql(f"""
        with changes as (
            select {key}, left_at as moment, delay, late, 1 as departures, 0 as waiting
                from departures where left_at is not null
            union all select {key}, scheduled, 0, 0, 0, 1 from departures
            union all select {key}, {_stops_waiting()}, 0, 0, 0, -1 from departures
        ), totals as (
            select {key}, moment, sum(sum(delay)) over so_far as delay, sum(sum(late)) over so_far as late,
                sum(sum(departures)) over so_far as departures, sum(sum(waiting)) over so_far as waiting
            from changes group by {key}, moment
            window so_far as (partition by {key} order by moment)
        ), lately as (
            select tick.{key}, tick.moment, upto.waiting, upto.departures - coalesce(past.departures, 0) as departures,
                upto.delay - coalesce(past.delay, 0) as delay, upto.late - coalesce(past.late, 0) as late
            from ({_ticks(key)}) tick
            asof left join totals upto on upto.{key} = tick.{key} and upto.moment <= tick.moment
            asof left join totals past on past.{key} = tick.{key} and past.moment < tick.moment - interval {hours} hours
        )
        select {key}, moment as known_at,
            delay / nullif(departures, 0) as {key}_delay_mean_{hours}h,
            late / nullif(departures, 0) as {key}_late_share_{hours}h,
            coalesce(departures, 0)::double as {key}_departures_{hours}h,
            coalesce(waiting, 0)::double as {key}_waiting
        from lately
        order by {key}, known_at
    """).df()  # noqa: S608 - the names are this module's own
    return rolled


def _stops_waiting() -> str:
    """An early departure waits for nothing; a cancelled flight stops waiting after WAITING_HOURS."""
    limit = f"scheduled + interval {WAITING_HOURS} hours"
    return f"greatest(scheduled, least(coalesce(left_at, {limit}), {limit}))"


def _ticks(key: str) -> str:
    step = f"interval {TICK_MINUTES} minutes"
    return f"""
        select {key}, unnest(generate_series(first_tick, last_tick, {step})) as moment
        from (select distinct {key} from departures), (
            select time_bucket({step}, min(scheduled)) as first_tick,
                   time_bucket({step}, max(scheduled)) as last_tick from departures)"""  # noqa: S608 - see above


def _aircraft(database: duckdb.DuckDBPyConnection, hours: int) -> pd.DataFrame:
    """How late an aircraft was on its departures up to each of them."""
    rolled: pd.DataFrame = database.sql(f"""
        select distinct tailnum, left_at as known_at,
            avg(delay) over lately as aircraft_delay_mean_{hours}h,
            avg(late) over lately as aircraft_late_share_{hours}h
        from departures where left_at is not null and tailnum is not null
        window lately as (
            partition by tailnum order by left_at range between interval {hours} hours preceding and current row)
        order by tailnum, known_at
    """).df()  # noqa: S608 - see above
    return rolled


def _weather(weather: pd.DataFrame) -> pd.DataFrame:
    known = weather.assign(known_at=weather["time_hour"] + WEATHER_DELAY).drop(columns="time_hour")
    return known.sort_values(["origin", "known_at"], ignore_index=True)


def _aircraft_facts(planes: pd.DataFrame, since: pd.Timestamp) -> pd.DataFrame:
    """Facts that do not change count as known since before the first event."""
    facts = planes.rename(columns={"year": "plane_year", "seats": "plane_seats"})
    return facts.assign(known_at=since.floor("D") - pd.Timedelta(days=2)).sort_values("tailnum", ignore_index=True)


def _to_the_minute(instants: pd.Series[pd.Timestamp]) -> pd.Series[str]:
    """`20130131T0500`. Arrow's formatting takes a quarter of pandas' time."""
    texts = pc.strftime(pa.array(instants), "%Y%m%dT%H%M").to_numpy(zero_copy_only=False)
    return pd.Series(texts, index=instants.index)


def _digits(numbers: pd.Series[float]) -> pd.Series[str]:
    return numbers.astype("int64").astype("string")
