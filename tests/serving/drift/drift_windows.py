"""Tables to compare: awkward ones by seed, and real flights with their weather and aircraft."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa

from contracts.model import Feature
from contracts.window import Window
from feature_store.flights import source

FLIGHT_FEATURES = (
    Feature(name="carrier", categories=("AA", "B6", "DL", "EV", "MQ", "UA", "US")),
    Feature(name="origin", categories=("EWR", "JFK", "LGA")),
    *(
        Feature(name=name)
        for name in ("distance", "minute", "sched_arr_time", "year", "seats", "temp", "wind_dir", "wind_gust", "precip")
    ),
)
"""Raw columns of the flights loop; the carriers that are not listed are unseen ones."""
AWKWARD_FEATURES = (
    Feature(name="tied"),
    Feature(name="constant"),
    Feature(name="gappy"),
    Feature(name="wide"),
    Feature(name="colour", categories=("red", "green", "blue", "never")),
    Feature(name="single", categories=("only",)),
)
"""Ties, a constant, half of it missing, infinities, rare and unseen categories, one category."""


def awkward(seed: int, rows: int, shift: float = 0.0) -> pa.Table:
    """Rows of AWKWARD_FEATURES and a score; `shift` moves all of them."""
    random = np.random.default_rng(seed)
    gappy = np.where(random.random(rows) < 0.5 - shift / 4, np.nan, random.normal(shift, 1, rows))
    wide = np.where(random.random(rows) < 0.01, np.inf, random.lognormal(shift, 9, rows))
    colours = random.choice(["red", "green", "blue", "odd"], rows, p=[0.7 - shift / 10, 0.299, 0.001, shift / 10])
    return pa.table(
        {
            "tied": np.floor(random.normal(4 * shift, 3, rows)),
            "constant": np.full(rows, 7 + round(shift)),
            "gappy": gappy,
            "wide": wide,
            "colour": pa.array(colours.astype(object), pa.string(), mask=random.random(rows) < 0.02),
            "single": pa.array(["only"] * rows),
            "score": random.beta(2 + shift, 5, rows),
        }
    )


def flights(start: str, end: str) -> pd.DataFrame:
    """Flights of some days by time, joined to weather and aircraft as they are in the data, with a made-up score."""
    window = Window.parse(start, end)
    tables = {
        table.name: pa.Table.from_batches(list(source.NycFlights().read(table, window))).to_pandas()
        for table in (source.FLIGHTS, source.WEATHER, source.PLANES)
    }
    rows: pd.DataFrame = tables["flights"].merge(tables["weather"], on=["time_hour", "origin"], how="left")
    rows = rows.merge(tables["planes"], on="tailnum", how="left").sort_values("time_hour", kind="stable")
    scored: pd.DataFrame = rows.assign(score=rows["sched_arr_time"] / 2400).reset_index(drop=True)
    return scored
