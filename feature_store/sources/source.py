"""The interface of a source: Arrow batches of one table, read lazily by date window."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from contracts.window import Window

if TYPE_CHECKING:
    import pyarrow as pa  # the predictor imports a loop's words, and reads no source

BATCH_ROWS = 65_536


@dataclass(frozen=True)
class Table:
    """A raw table of a loop."""

    name: str
    time_column: str | None
    """Column with the UTC event time by which the table is read and partitioned; None: a small table read whole."""
    columns: tuple[str, ...]
    """Columns asked of every source, in order. A source that lacks one fails with DataError."""


class Source(Protocol):
    """Anything rows can be read from."""

    def read(self, table: Table, window: Window | None) -> Iterator[pa.RecordBatch]:
        """Batches of at most BATCH_ROWS rows with exactly `table.columns`, whose time lies in the window.

        The time column comes as timestamp[us, UTC]; every other column in the source's own type.
        Rows come in any order. Errors: DataError (a column is missing, a file is damaged), UnavailableError.
        """
        ...
