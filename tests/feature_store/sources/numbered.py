"""A table of one column n: the least there is to read."""

from __future__ import annotations

from collections.abc import Callable

import pyarrow as pa

from contracts.window import Window
from feature_store.sources.objects import ObjectsSource
from feature_store.sources.source import Table
from tests.feature_store.sources.kept import parquet

NUMBERS = Table("trips", None, ("n",))

Put = Callable[[dict[str, bytes]], ObjectsSource]
"""Store bodies by name under a prefix of the test's own; the source of that prefix."""


def of(*values: int) -> bytes:
    """A Parquet file with these rows."""
    return parquet(pa.table({"n": values}))


def numbers(source: ObjectsSource, table: Table = NUMBERS, window: Window | None = None) -> list[int]:
    """The values of n, in order."""
    return sorted(n for batch in source.read(table, window) for n in batch.column("n").to_pylist())
