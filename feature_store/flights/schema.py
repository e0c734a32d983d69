"""What a good row of flights, weather and planes looks like."""

from __future__ import annotations

import pandera.pandas as pa

AIRPORTS_OF_ORIGIN = ("EWR", "JFK", "LGA")
_CODE = pa.Check.str_matches(r"^[A-Z0-9]{3}$", error="is not a three-letter airport code")
_ORIGIN = pa.Check.isin(AIRPORTS_OF_ORIGIN, error=f"is not one of {', '.join(AIRPORTS_OF_ORIGIN)}")
_TAIL = pa.Check.str_length(1, 10, error="is not a tail number")
_TIME = "datetime64[us, UTC]"


def flights() -> pa.DataFrameSchema:
    """One row a scheduled flight; delays in minutes, missing where the flight was cancelled or diverted."""
    return pa.DataFrameSchema(
        {
            "time_hour": pa.Column(_TIME),
            "minute": pa.Column("float64", _between(0, 59)),
            "carrier": pa.Column("string", pa.Check.str_matches(r"^[A-Z0-9]{2}$", error="is not a carrier code")),
            "flight": pa.Column("float64", _between(1, 99_999)),
            "tailnum": pa.Column("string", _TAIL, nullable=True),
            "origin": pa.Column("string", _ORIGIN),
            "dest": pa.Column("string", _CODE),
            "sched_arr_time": pa.Column("float64", [_between(0, 2400), _minutes_below_60()]),
            "distance": pa.Column("float64", _between(1, 12_000)),
            "dep_delay": pa.Column("float64", _between(-180, 3000), nullable=True),
            "arr_delay": pa.Column("float64", _between(-240, 3000), nullable=True),
        },
        unique=["time_hour", "minute", "carrier", "flight", "origin"],
        report_duplicates="exclude_first",
    )


def weather() -> pa.DataFrameSchema:
    """One row an hour and airport: °F, %, degrees, mph, inches, millibars, miles."""
    return pa.DataFrameSchema(
        {
            "time_hour": pa.Column(_TIME),
            "origin": pa.Column("string", _ORIGIN),
            "temp": _number(-60, 140),
            "dewp": _number(-80, 100),
            "humid": _number(0, 101),
            "wind_dir": _number(0, 360),
            "wind_speed": _number(0, 250),
            "wind_gust": _number(0, 300),
            "precip": _number(0, 20),
            "pressure": _number(850, 1100),
            "visib": _number(0, 100),
        },
        unique=["time_hour", "origin"],
        report_duplicates="exclude_first",
    )


def planes() -> pa.DataFrameSchema:
    """One row an aircraft: its year of manufacture and its seats."""
    return pa.DataFrameSchema(
        {
            "tailnum": pa.Column("string", _TAIL),
            "year": _number(1940, 2100),
            "seats": _number(1, 1000),
        },
        unique=["tailnum"],
        report_duplicates="exclude_first",
    )


def _number(low: float, high: float) -> pa.Column:
    return pa.Column("float64", _between(low, high), nullable=True)


def _between(low: float, high: float) -> pa.Check:
    return pa.Check.in_range(low, high, error=f"is not between {low} and {high}")


def _minutes_below_60() -> pa.Check:
    return pa.Check(lambda clock: clock % 100 < 60, error="has minutes above 59")
