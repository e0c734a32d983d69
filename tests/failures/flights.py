"""A few days of real flights, kept as objects for a loop to read."""

from __future__ import annotations

import io
from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyarrow import csv

from contracts.objects import ObjectStore
from contracts.window import Window
from feature_store.flights.source import FLIGHTS, PLANES, WEATHER, NycFlights

Tables = Mapping[str, pa.Table]
"""Table → rows."""


def real(window: Window) -> Tables:
    """The rows of a window."""
    return {table.name: pa.Table.from_batches(NycFlights().read(table, window)) for table in (FLIGHTS, WEATHER, PLANES)}


def keep(store: ObjectStore, prefix: str, tables: Tables, flights_as: str = "parquet") -> str:
    """Store tables below a prefix, the flights as Parquet or CSV; the prefix as a source's address."""
    for name, rows in tables.items():
        kind = flights_as if name == "flights" else "parquet"
        store.put(f"{prefix}{name}.{kind}", comma_separated(rows) if kind == "csv" else parquet(rows))
    return prefix


def with_column(rows: pa.Table, name: str, values: pa.Array) -> pa.Table:
    """The same rows with other values in a column."""
    return rows.set_column(rows.column_names.index(name), name, values)


def corrupted(rows: pa.Table, share: float) -> tuple[pa.Table, int]:
    """The rows as text, a share of them made bad in three ways in turn, spread evenly; and how many are."""
    text = pa.table({name: rows[name].cast(pa.string()) for name in rows.column_names})
    steps = np.floor(np.arange(len(rows) + 1) * share)
    bad, way = np.diff(steps) == 1, steps[1:] % 3
    for number, (name, value) in enumerate((("distance", "far"), ("minute", "75"), ("origin", "LAX"))):
        hit = pa.array(bad & (way == number))
        text = with_column(text, name, pc.if_else(hit, value, text[name]))
    return text, int(bad.sum())


def parquet(rows: pa.Table) -> bytes:
    """One Parquet file."""
    file = io.BytesIO()
    pq.write_table(rows, file)
    return file.getvalue()


def comma_separated(rows: pa.Table) -> bytes:
    """One CSV file."""
    file = io.BytesIO()
    csv.write_csv(rows, file)
    return file.getvalue()
