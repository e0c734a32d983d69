"""A batch of entries becomes objects: one for each version, or the labels, and date. Done when all are stored."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pyarrow.compute as pc

from contracts import parquet
from contracts.eventlog import EVENT_TIME, LABEL_TIME, EventLog, clock_name, dates
from contracts.objects import ObjectStore
from serving.eventlog.entry import Entry


@dataclass(frozen=True)
class Stored:
    """Rows of one version, or labels of a loop, that a flush has stored under one name."""

    loop: str
    version: str | None
    name: str
    table: pa.Table = field(repr=False)


class Flush:
    """Stores batches, one after the other, under names that ascend."""

    def __init__(self, store: ObjectStore, bucket: str, writers: Executor) -> None:
        self.store, self.bucket, self.writers = store, bucket, writers
        self._last = datetime.min.replace(tzinfo=UTC)

    def __call__(self, entries: Sequence[Entry]) -> list[Stored]:
        """Store all. UnavailableError if one object could not be: then the whole batch is to be sent again."""
        name = f"{clock_name(self._tick())}-{secrets.token_hex(4)}.parquet"
        stored = [Stored(loop, version, name, table) for loop, version, table in _grouped(entries)]
        objects = [each for group in stored for each in self._objects(group)]
        list(self.writers.map(lambda each: self.store.put(each[0], parquet.to_bytes(each[1])), objects))
        return stored

    def _tick(self) -> datetime:
        """Now, but later than ever before, whatever becomes of the clock."""
        self._last = max(datetime.now(UTC), self._last + timedelta(microseconds=1))
        return self._last

    def _objects(self, stored: Stored) -> Iterator[tuple[str, pa.Table]]:
        log = EventLog(self.store, self.bucket, stored.loop)
        prefix = log.labels_prefix if stored.version is None else log.rows_prefix(stored.version)
        days = dates(stored.table[LABEL_TIME if stored.version is None else EVENT_TIME])
        for day in pc.unique(days).to_pylist():
            yield f"{prefix}date={day}/{stored.name}", stored.table.filter(pc.equal(days, day))


def _grouped(entries: Sequence[Entry]) -> Iterator[tuple[str, str | None, pa.Table]]:
    groups: dict[tuple[str, str | None], list[pa.Table]] = {}
    for entry in entries:
        groups.setdefault((entry.loop, entry.version), []).append(entry.table)
    for (loop, version), tables in groups.items():
        yield loop, version, parquet.together(tables)
