"""Years of flights on S3: the real year 2013, and the same rows dated one, two, … years later."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from contracts.objects import ObjectStore
from feature_store.flights.source import FLIGHTS, PLANES, WEATHER, NycFlights
from feature_store.sources.source import Table

BUCKET = "bench"


def address(years: int) -> str:
    """Where so many years are stored: flights/, weather/ and planes/."""
    return f"s3://{BUCKET}/{years}-years/"


def write_years(store: ObjectStore, years: int) -> None:
    """Store them, one Parquet object a table and year, a batch in memory at a time; nothing if they are there.

    Every time is moved by whole calendar years, in UTC. Keys stay unique, because 2013's rows span less than a year;
    a leap year has no rows on 29 February, because 2013 had no such day.
    """
    store.ensure_bucket(BUCKET)
    whole = f"{address(years)}_whole"
    if store.metadata(whole) is not None:
        return
    for table in (FLIGHTS, WEATHER):
        for shift in range(years):
            _write(store, f"{address(years)}{table.name}/{2013 + shift}.parquet", _shifted(table, shift))
    _write(store, f"{address(years)}{PLANES.name}/planes.parquet", NycFlights().read(PLANES, None))
    store.put(whole, b"")


def _shifted(table: Table, years: int) -> Iterator[pa.RecordBatch]:
    for batch in NycFlights().read(table, None):
        place = batch.schema.get_field_index(str(table.time_column))
        times = batch.column(place).to_pandas() + pd.DateOffset(years=years)
        yield batch.set_column(place, batch.schema.field(place), pa.array(times, batch.schema.field(place).type))


def _write(store: ObjectStore, uri: str, batches: Iterator[pa.RecordBatch]) -> None:
    first = next(batches)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "rows.parquet"
        with pq.ParquetWriter(path, first.schema, compression="zstd") as writer:
            writer.write_batch(first)
            for batch in batches:
                writer.write_batch(batch.cast(first.schema))
        store.put_file(uri, path)
