"""One CSV file, a block at a time, with the type of each column decided from the whole file.

A column is int64, else float64, else bool, if every value of it in the file reads as one, the markers of MISSING
aside; otherwise it is text, exactly as written. A column without any value is of Arrow's type null. The file is read
twice, once to decide and once to yield, so it does not matter where blocks begin. An unquoted empty field is NULL
everywhere; in a column of text a quoted one is not. The time column stays text here.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from contracts.window import Window
from feature_store.sources.source import Table

MISSING = pa.array(["", "NA", "N/A", "NULL", "null", "NaN", "nan"])
"""NULL in a column of numbers or booleans. In a column of text they are text: `NA` may be Namibia."""

_KINDS = (pa.null(), pa.int64(), pa.float64(), pa.bool_(), pa.string())


class DelimitedFile:
    """A local CSV file with a header line, plain or gzipped (`.gz`).

    Every method raises pyarrow's own errors or OSError when the file is damaged.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        with self._open() as reader:
            self.names: list[str] = reader.schema.names

    def batches(self, table: Table, window: Window | None) -> Iterator[pa.RecordBatch]:
        """The table's columns that are in the file. The window cannot spare anything: a CSV file has no index."""
        columns = [name for name in table.columns if name in self.names]
        kinds = self._kinds(columns, table.time_column)
        with self._open(columns) as reader:
            for batch in reader:
                typed = [_as(batch.column(name), kinds[name]) for name in columns]
                yield pa.RecordBatch.from_arrays(typed, names=columns)

    def close(self) -> None:
        """Nothing is held open between two reads."""

    def _kinds(self, columns: list[str], time_column: str | None) -> dict[str, pa.DataType]:
        kinds = {name: _KINDS if name != time_column else _KINDS[-1:] for name in columns}
        with self._open(columns) as reader:
            for batch in reader:
                kinds = {name: _still_possible(batch.column(name), kinds[name]) for name in columns}
        return {name: possible[0] for name, possible in kinds.items()}

    def _open(self, columns: list[str] | None = None) -> csv.CSVStreamingReader:
        return csv.open_csv(
            self._path,
            read_options=csv.ReadOptions(use_threads=False),  # so that an error can say which row it is in
            parse_options=csv.ParseOptions(newlines_in_values=True),
            convert_options=csv.ConvertOptions(
                include_columns=columns or [],
                column_types=dict.fromkeys(columns or [], pa.string()),
                null_values=[""],
                strings_can_be_null=True,
                quoted_strings_can_be_null=False,
            ),
        )


def _still_possible(text: pa.Array, kinds: tuple[pa.DataType, ...]) -> tuple[pa.DataType, ...]:
    return tuple(kind for kind in kinds if kind == kinds[-1] or _reads_as(text, kind))


def _reads_as(text: pa.Array, kind: pa.DataType) -> bool:
    if pa.types.is_integer(kind) and pc.any(pc.match_substring(text, "x", ignore_case=True)).as_py():
        return False  # Arrow would read 0x1F as a number; in a CSV file it is more likely a name
    try:
        _as(text, kind)
    except pa.ArrowInvalid:
        return False
    return True


def _as(text: pa.Array, kind: pa.DataType) -> pa.Array:
    if pa.types.is_string(kind):
        return text
    known = pc.if_else(pc.is_in(text, MISSING), pa.scalar(None, pa.string()), text)
    if not pa.types.is_null(kind):
        return known.cast(kind)
    if known.null_count < len(known):
        raise pa.ArrowInvalid("there are values")
    return pa.nulls(len(known))
