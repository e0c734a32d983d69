"""The same training as one would write it in a notebook, with pandas: read everything, check, join, fit.

It keeps to vectorised operations, categories for texts and columns of arrays: a fair peer, not a straw man.
What it leaves out is what the pipeline is for: no layers, no quarantine, no digests, no online store.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from pyarrow.fs import FileSystem, S3FileSystem

from contracts.settings import Settings
from contracts.window import Window
from feature_store.flights.columns import COLUMNS
from scaling import plain_checks
from scaling.plain_rolling import aircraft_delays, latest, recent_delays

LOOKBACK_DAYS = 2
Frame = pd.DataFrame


def frame_of(settings: Settings, address: str, window: Window) -> Frame:
    """The checked flights of a window with all their features, from Parquet under an s3:// address."""
    return features(checked(read(_files(settings), address.removeprefix("s3://"), window)), window)


def _files(settings: Settings) -> FileSystem:
    return S3FileSystem(
        access_key=settings.s3_access_key,
        secret_key=settings.s3_secret_key,
        endpoint_override=settings.s3_host,
        scheme="https" if settings.s3_secure else "http",
        region=settings.s3_region,
    )


def read(files: FileSystem, folder: str, window: Window) -> dict[str, Frame]:
    """Flights and weather of the window and its look-back, and all planes; `folder` is bucket/prefix."""
    since = window.widened(LOOKBACK_DAYS)
    inside = [("time_hour", ">=", since.start_time), ("time_hour", "<", since.end_time)]
    flights = pd.read_parquet(f"{folder}flights", filesystem=files, filters=inside)
    weather = pd.read_parquet(f"{folder}weather", filesystem=files, filters=inside)
    planes = pd.read_parquet(f"{folder}planes", filesystem=files)
    texts = ["carrier", "origin", "dest", "tailnum"]
    return {"flights": flights.astype(dict.fromkeys(texts, "category")), "weather": weather, "planes": planes}


def checked(tables: dict[str, Frame]) -> dict[str, Frame]:
    """Only the rows that keep the loop's schema."""
    return {
        "flights": tables["flights"][plain_checks.flights(tables["flights"])].reset_index(drop=True),
        "weather": tables["weather"][plain_checks.weather(tables["weather"])].reset_index(drop=True),
        "planes": tables["planes"][plain_checks.planes(tables["planes"])].reset_index(drop=True),
    }


def features(tables: dict[str, Frame], window: Window) -> Frame:
    """One row a flight of the window, in order of departure: its label and every feature of the loop."""
    flights = tables["flights"]
    flights["departure"] = flights["time_hour"] + pd.to_timedelta(flights["minute"], unit="m")
    flights["asked"] = flights["departure"] - pd.Timedelta(hours=1)
    flights["left_at"] = flights["departure"] + pd.to_timedelta(flights["dep_delay"], unit="m")
    flights["delay"] = flights["dep_delay"].clip(upper=180)
    flights["late"] = (flights["dep_delay"] > 15).astype("float64")
    flights = flights.sort_values("departure", ignore_index=True)
    flights["label"] = (flights["arr_delay"] > 15).astype("float64").where(flights["arr_delay"].notna())
    inside = (flights["departure"] >= window.start_time) & (flights["departure"] < window.end_time)
    frame = flights[inside].reset_index(drop=True)
    _add_schedule(frame)
    _add_plane(frame, tables["planes"])
    recent = [recent_delays(flights, frame, key) for key in ("origin", "carrier")]
    for columns in (*recent, aircraft_delays(flights, frame), _weather(frame, tables["weather"])):
        frame = frame.assign(**columns)
    return frame


def _add_schedule(frame: Frame) -> None:
    local = frame["departure"].dt.tz_convert("America/New_York")
    frame["departure_minute"] = local.dt.hour * 60 + local.dt.minute
    frame["weekday"] = local.dt.dayofweek
    frame["arrival_minute"] = frame["sched_arr_time"] // 100 * 60 + frame["sched_arr_time"] % 100


def _add_plane(frame: Frame, planes: Frame) -> None:
    known = planes.set_index("tailnum").reindex(frame["tailnum"].cat.categories)
    codes = frame["tailnum"].cat.codes.to_numpy()
    for name in ("year", "seats"):
        frame[f"plane_{name}"] = np.append(known[name].to_numpy(dtype="float64"), np.nan)[codes]


def _weather(frame: Frame, weather: Frame) -> dict[str, npt.NDArray[np.float64]]:
    known = weather.assign(known_at=weather["time_hour"] + pd.Timedelta(hours=1))
    known = known[["origin", "known_at", *plain_checks.WEATHER_RANGES]].astype({"origin": frame["origin"].dtype})
    return latest(frame, known, "origin", "known_at", hours=3)


def matrix(frame: Frame) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int8]]:
    """Labelled rows [rows, features] and their labels [rows]; texts as positions among their sorted values."""
    labelled = frame[frame["label"].notna()]
    columns = np.empty((len(labelled), len(COLUMNS)), dtype=np.float32)
    for place, column in enumerate(COLUMNS):
        values = labelled[column.name]
        if column.categorical:
            used = frame[column.name].cat.remove_unused_categories().cat.categories.sort_values()
            values = pd.Series(values.cat.set_categories(used).cat.codes)
        columns[:, place] = values.to_numpy()
    return columns, labelled["label"].to_numpy(dtype=np.int8)


def fit(
    rows: npt.NDArray[np.float32],
    labels: npt.NDArray[np.int8],
    params: dict[str, float | int | str],
    seed: int,
    threads: int,
) -> Any:
    """A booster, by the parameters the pipeline uses."""
    import xgboost

    types = ["c" if column.categorical else "q" for column in COLUMNS]
    data = xgboost.QuantileDMatrix(rows, labels, feature_types=types, enable_categorical=True, nthread=threads)
    fixed = {"objective": "binary:logistic", "tree_method": "hist", "seed": seed, "nthread": threads}
    learning = {name: value for name, value in params.items() if name != "n_estimators"}
    return xgboost.train(learning | fixed, data, int(params["n_estimators"]))
