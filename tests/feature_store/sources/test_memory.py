"""A table larger than memory can be read: what is held at once is a batch, not the table."""

from __future__ import annotations

import gzip
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import csv

from contracts.objects import ObjectStore
from contracts.settings import Settings
from tests.feature_store.sources.postgres_server import PostgresServer

ROWS = 2_000_000
PIECE = 100_000
TEXT = "x" * 200
TABLE_MB = ROWS * (len(TEXT) + 16) // 2**20
"""What the rows take in Arrow's own form: 412 MB."""
MAX_GROWTH_MB = 200


def read_in_another_process(uri: str, **env: str) -> None:
    """Read everything, and be sure that memory held about half of it at the most."""
    child = subprocess.run(
        [sys.executable, Path(__file__).with_name("peak_memory.py")],
        env={**os.environ, **env, "SOURCE_URI": uri}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert child.returncode == 0, child.stderr
    found = json.loads(child.stdout)
    assert found["rows"] == ROWS
    assert TABLE_MB > 2 * MAX_GROWTH_MB
    assert found["grown_mb"] < MAX_GROWTH_MB, found


def piece() -> pa.Table:
    """PIECE rows; the table is many of them."""
    times = pa.array(range(PIECE), pa.int64()).cast(pa.timestamp("us", "UTC"))
    return pa.table({"at": times, "n": range(PIECE), "text": [TEXT] * PIECE})


def s3_environment(settings: Settings) -> dict[str, str]:
    """The variables that lead a process to the server of these settings."""
    return {
        "AWS_ENDPOINT_URL_S3": settings.s3_endpoint,
        "AWS_ACCESS_KEY_ID": settings.s3_access_key,
        "AWS_SECRET_ACCESS_KEY": settings.s3_secret_key,
    }


def test_postgres(postgres: PostgresServer, place: str) -> None:
    """PostgreSQL: the server's cursor keeps the rows, not the client."""
    values = f"timestamptz '2013-01-01Z' + n * interval '1 second' AS at, n::bigint AS n, '{TEXT}' AS text"
    postgres.run(
        f"CREATE SCHEMA {place}",
        f"CREATE UNLOGGED TABLE {place}.trips AS SELECT {values} FROM generate_series(1, {ROWS}) n",
    )

    read_in_another_process(postgres.dsn(options=f"-csearch_path={place}"))

    postgres.run(f"DROP TABLE {place}.trips")


def test_parquet(s3_settings: Settings, place: str) -> None:
    """Parquet: a row group at a time."""
    file, rows = io.BytesIO(), piece()
    with pq.ParquetWriter(file, rows.schema) as writer:
        for _ in range(ROWS // PIECE):
            writer.write_table(rows)
    prefix = f"s3://{s3_settings.data_bucket}/{place}"
    ObjectStore(s3_settings).put(f"{prefix}/trips.parquet", file.getvalue())

    read_in_another_process(prefix, **s3_environment(s3_settings))


def test_csv(s3_settings: Settings, place: str) -> None:
    """CSV: a block at a time, also where it is compressed."""
    head, body = io.BytesIO(), io.BytesIO()
    csv.write_csv(piece().slice(0, 0), head)
    csv.write_csv(piece(), body, csv.WriteOptions(include_header=False))
    members = gzip.compress(head.getvalue()) + gzip.compress(body.getvalue(), 1) * (ROWS // PIECE)
    prefix = f"s3://{s3_settings.data_bucket}/{place}"
    ObjectStore(s3_settings).put(f"{prefix}/trips.csv.gz", members)

    read_in_another_process(prefix, **s3_environment(s3_settings))
