"""The data layers on S3: immutable Parquet partitions, a month each, named by their own digest.

`<layer>/<loop>/<table>/month=2013-01/<sha256>.parquet`. The same rows always have the same name, so writing them again
is a no-op, two runs never overwrite each other, and nothing half-written is ever readable. A manifest lists the
partitions that make up one window; it is what travels between steps.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict

from components.output import whole
from contracts.errors import DataError, IntegrityError, disk_room
from contracts.model import sha256_of
from contracts.objects import ObjectStore

RAW, REFINED, QUARANTINE = "raw", "refined", "quarantine"
WHOLE = "whole"
"""The one partition of a table that has no time."""


class Partition(BaseModel):
    """One immutable Parquet object."""

    model_config = ConfigDict(frozen=True)
    table: str
    month: str
    """`2013-01`, or `whole`."""
    uri: str
    sha256: str
    rows: int


class Manifest(BaseModel):
    """The partitions of one layer that make up one window of a loop's data."""

    model_config = ConfigDict(frozen=True)
    loop: str
    layer: str
    start: date
    """First day the rows may fall on, the look-back included."""
    end: date
    partitions: tuple[Partition, ...]

    @property
    def digest(self) -> str:
        """One sha256 over the digests of all partitions: equal data, equal digest."""
        lines = sorted(f"{part.table} {part.month} {part.sha256}" for part in self.partitions)
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()

    def rows(self, table: str) -> int:
        """How many rows of a table there are."""
        return sum(part.rows for part in self.partitions if part.table == table)

    def months(self) -> list[str]:
        """Months that have a partition, in order."""
        return sorted({part.month for part in self.partitions} - {WHOLE})

    def of(self, table: str, *months: str) -> Iterator[Partition]:
        """The partitions of a table, of some months or of all."""
        for part in self.partitions:
            if part.table == table and (not months or part.month in months):
                yield part

    @classmethod
    def read(cls, path: str | Path) -> Manifest:
        """The manifest a step wrote."""
        return cls.model_validate_json(Path(path).read_text())

    def write(self, path: str | Path) -> None:
        """Write the manifest where the next step reads it."""
        with whole(Path(path)) as partial:
            partial.write_text(json.dumps(self.model_dump(mode="json"), indent=1))


class Lake:
    """Writes and reads partitions of one loop."""

    def __init__(self, store: ObjectStore, bucket: str, loop: str) -> None:
        self.store = store
        self.root = f"s3://{bucket}"
        self.loop = loop

    def put(self, layer: str, table: str, month: str, rows: pa.Table) -> Partition:
        """Store rows as a partition, unless the very same partition is there."""
        with TemporaryDirectory() as folder, disk_room(folder):
            path = Path(folder) / "part.parquet"
            pq.write_table(rows, path, compression="zstd", coerce_timestamps="us")
            digest = sha256_of(path)
            place = month if month == WHOLE else f"month={month}"
            uri = f"{self.root}/{layer}/{self.loop}/{table}/{place}/{digest}.parquet"
            if self.store.metadata(uri) is None:
                self.store.put_file(uri, path)
        return Partition(table=table, month=month, uri=uri, sha256=digest, rows=rows.num_rows)

    def get(self, part: Partition) -> pa.Table:
        """A partition's rows, its digest checked first."""
        with TemporaryDirectory() as folder, disk_room(folder):
            path = Path(folder) / "part.parquet"
            self.store.get_file(part.uri, path)
            if sha256_of(path) != part.sha256:
                raise IntegrityError(f"{part.uri} is not what its name says.", "Remove the object and ingest again.")
            return pq.read_table(path)

    def read(self, manifest: Manifest, table: str, *months: str) -> pa.Table:
        """Rows of a table of some months, or of all."""
        parts = [self.get(part) for part in manifest.of(table, *months)]
        if not parts:
            raise DataError(
                f"The {manifest.layer} layer has no rows of table {table!r} for {', '.join(months) or 'the window'}."
            )
        return pa.concat_tables(parts, promote_options="permissive")
