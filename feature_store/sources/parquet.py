"""One Parquet file, a row group at a time, without the row groups that lie outside the window."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from contracts.window import Window
from feature_store.sources.source import BATCH_ROWS, Table
from feature_store.sources.times import to_utc

READ_BUFFER_BYTES = 1 << 20
"""With a buffer a column chunk is streamed from the disk; without one it is read whole."""


class ParquetFile:
    """A local Parquet file. Every method raises pyarrow's own errors or OSError when the file is damaged."""

    def __init__(self, path: Path) -> None:
        self._file = pq.ParquetFile(path, buffer_size=READ_BUFFER_BYTES, page_checksum_verification=True)
        self.names: list[str] = self._file.schema_arrow.names

    def batches(self, table: Table, window: Window | None) -> Iterator[pa.RecordBatch]:
        """The table's columns that are in the file, of the row groups that may hold rows of the window."""
        columns = [name for name in table.columns if name in self.names]
        for group in range(self._file.num_row_groups):
            if window is None or table.time_column is None or self._may_hold(group, table.time_column, window):
                yield from self._file.iter_batches(BATCH_ROWS, row_groups=[group], columns=columns)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _may_hold(self, group: int, time_column: str, window: Window) -> bool:
        span = self._span(group, time_column)
        if span is None:
            return True
        first, last = to_utc(span, time_column, "its statistics")
        return bool(pc.less(first, window.end_time).as_py() and pc.greater_equal(last, window.start_time).as_py())

    def _span(self, group: int, name: str) -> pa.Array | None:
        """First and last time of a row group, or None where the file does not say (or says it in text)."""
        if name not in self.names:
            return None
        kind = self._file.schema_arrow.field(name).type
        statistics = _statistics(self._file.metadata.row_group(group), name)
        ordered = pa.types.is_timestamp(kind) or pa.types.is_date(kind)
        if not ordered or statistics is None or not statistics.has_min_max:
            return None
        try:
            return pa.array([statistics.min, statistics.max], kind)
        except OverflowError:  # a year that Python has no date for: the rows themselves can be compared
            return None


def _statistics(group: Any, name: str) -> Any:
    columns = (group.column(place) for place in range(group.num_columns))
    return next((column.statistics for column in columns if column.path_in_schema == name), None)
