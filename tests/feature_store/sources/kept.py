"""The same rows, stored for each kind of source."""

from __future__ import annotations

import gzip
import io
from collections.abc import Callable

import pyarrow as pa
import pyarrow.parquet as pq
from adbc_driver_postgresql import dbapi
from pyarrow import csv

from contracts.objects import ObjectStore
from contracts.settings import Settings
from feature_store.sources.objects import ObjectsSource
from feature_store.sources.postgres import PostgresSource
from feature_store.sources.source import Source
from tests.feature_store.sources.postgres_server import PostgresServer

ROW_GROUP_ROWS = 40_000

Keep = Callable[[str, pa.Table], Source]
"""Store rows under a table's name; the source that reads them."""

Write = Callable[[pa.Table], dict[str, bytes]]
"""A table as objects: what follows the table's name in the address → content."""

_POSTGRES_TYPES = {
    "timestamp[us, tz=UTC]": "timestamptz",
    "timestamp[us]": "timestamp",
    "date32[day]": "date",
    "int64": "bigint",
    "double": "float8",
    "string": "text",
    "bool": "boolean",
}


def in_postgres(server: PostgresServer, schema: str) -> Keep:
    """Keep tables in a schema of their own."""
    dsn = server.dsn(options=f"-csearch_path={schema}")
    server.run(f"CREATE SCHEMA {schema}")

    def keep(name: str, rows: pa.Table) -> Source:
        columns = ", ".join(f'"{field.name}" {_POSTGRES_TYPES[str(field.type)]}' for field in rows.schema)
        with dbapi.connect(dsn) as connection, connection.cursor() as cursor:
            cursor.execute(f'CREATE TABLE "{name}" ({columns})')
            cursor.adbc_ingest(name, rows, mode="append")
            connection.commit()
        return PostgresSource(dsn)

    return keep


def in_objects(settings: Settings, folder: str, write: Write) -> Keep:
    """Keep tables as objects under a prefix of their own."""
    store, prefix = ObjectStore(settings), f"s3://{settings.data_bucket}/{folder}"

    def keep(name: str, rows: pa.Table) -> Source:
        for suffix, body in write(rows).items():
            store.put(f"{prefix}/{name}{suffix}", body)
        return ObjectsSource(store, prefix)

    return keep


def parquet(rows: pa.Table) -> bytes:
    """One Parquet file with row groups of ROW_GROUP_ROWS."""
    file = io.BytesIO()
    pq.write_table(rows, file, row_group_size=ROW_GROUP_ROWS)
    return file.getvalue()


def comma_separated(rows: pa.Table) -> bytes:
    """One CSV file: values quoted, NULL as nothing between two commas."""
    file = io.BytesIO()
    csv.write_csv(rows, file, csv.WriteOptions(quoting_style="all_valid"))
    return file.getvalue()


def _by_day(rows: pa.Table) -> dict[str, bytes]:
    """A folder for each UTC day of a first column of times, or one for everything; NULL goes where Hive puts it."""
    first = rows.column(0)
    if not pa.types.is_timestamp(first.type):
        return {"/part-0.parquet": parquet(rows)}
    places: dict[str, list[int]] = {}
    for place, day in enumerate(first.cast(pa.date32()).cast(pa.string()).to_pylist()):
        places.setdefault(day or "__HIVE_DEFAULT_PARTITION__", []).append(place)
    return {f"/date={day}/part-0.parquet": parquet(rows.take(found)) for day, found in places.items()}


OBJECT_KINDS: dict[str, Write] = {
    "parquet": lambda rows: {".parquet": parquet(rows)},
    "parquet-by-day": _by_day,
    "csv": lambda rows: {".csv": comma_separated(rows)},
    "csv-gzipped": lambda rows: {".csv.gz": gzip.compress(comma_separated(rows), 1)},
}
