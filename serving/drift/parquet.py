"""Objects of bounded size, and the tables in them."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq

from contracts.errors import DataError
from contracts.objects import ObjectStore

MAX_OBJECT_BYTES = 512_000_000
MAX_TABLE_BYTES = 2_000_000_000
"""Of a table before it was compressed."""
MAX_ROWS = 1_000_000
"""What a DriftSpec allows at most, of a window and of a reference."""


def fetch(store: ObjectStore, uri: str, limit: int = MAX_OBJECT_BYTES) -> bytes:
    """An object's bytes. DataError if it is not there, not on S3 or larger than the limit."""
    if not uri.startswith("s3://"):
        raise DataError(f"{uri!r} is not on S3.", "Write it as s3://bucket/path.")
    metadata = store.metadata(uri)
    if metadata is None:
        raise DataError(f"{uri} is not there.")
    size = int(metadata.get("content-length", 0))
    if size > limit:
        raise DataError(f"{uri} has {size} bytes; at most {limit} are read.")
    return store.get(uri)


def table(body: bytes, uri: str, columns: list[str]) -> pa.Table:
    """Those of the columns that a Parquet file has. DataError if it is none, or holds too much."""
    try:
        file = pq.ParquetFile(pa.BufferReader(body))
        _check_size(file.metadata, uri)
        return file.read([name for name in file.schema_arrow.names if name in columns], use_threads=False)
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{uri} is no Parquet file that can be read: {str(error).splitlines()[0]}.") from error


def _check_size(metadata: pq.FileMetaData, uri: str) -> None:
    if metadata.num_rows > MAX_ROWS:
        raise DataError(f"{uri} has {metadata.num_rows} rows; at most {MAX_ROWS} are read.")
    size = sum(metadata.row_group(group).total_byte_size for group in range(metadata.num_row_groups))
    if size > MAX_TABLE_BYTES:
        raise DataError(f"{uri} unpacks to {size} bytes; at most {MAX_TABLE_BYTES} are read.")
