"""What every source does to the batches it reads: the table's columns, in order, with UTC times inside the window."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from contracts.errors import DataError
from contracts.window import Window
from feature_store.sources.source import BATCH_ROWS, Table
from feature_store.sources.times import to_utc


def require_columns(table: Table, found: Sequence[str], where: str) -> None:
    """DataError unless `found` has every column of the table, and each only once."""
    for name in table.columns:
        if name not in found:
            raise DataError(f"Column {name!r} is missing from {where}; found {list(found)}.")
        if found.count(name) > 1:
            raise DataError(f"Column {name!r} is there more than once in {where}; found {list(found)}.")


def conform(batch: pa.RecordBatch, table: Table, window: Window | None, where: str) -> Iterator[pa.RecordBatch]:
    """The batch as Source.read promises it: none if no row lies in the window, several if it is too long.

    With a window, a row without a time lies outside it.
    """
    columns = [batch.column(name) for name in table.columns]
    if table.time_column is not None:
        place = table.columns.index(table.time_column)
        columns[place] = to_utc(columns[place], table.time_column, where)
    shaped = pa.RecordBatch.from_arrays(columns, names=list(table.columns))
    if table.time_column is not None and window is not None:
        shaped = shaped.filter(_inside(columns[place], window))
    for start in range(0, len(shaped), BATCH_ROWS):
        yield shaped.slice(start, BATCH_ROWS)


def _inside(times: pa.Array, window: Window) -> pa.Array:
    return pc.and_(pc.greater_equal(times, window.start_time), pc.less(times, window.end_time))
