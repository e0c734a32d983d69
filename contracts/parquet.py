"""Arrow tables as Parquet bytes, and tables of several writers made one."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from contracts.errors import IntegrityError


def to_bytes(table: pa.Table) -> bytes:
    """A Parquet file. The same table gives the same bytes."""
    sink = io.BytesIO()
    pq.write_table(table, sink, compression="zstd")
    return sink.getvalue()


def from_bytes(body: bytes, origin: str, columns: Sequence[str] | None = None) -> pa.Table:
    """The table of a Parquet file; of `columns` those that it has. IntegrityError if it is none."""
    try:
        file = pq.ParquetFile(io.BytesIO(body))
        wanted = None if columns is None else [name for name in columns if name in file.schema_arrow.names]
        return file.read(columns=wanted)
    except (pa.ArrowInvalid, OSError) as error:
        raise IntegrityError(f"{origin} is not readable Parquet: {str(error).splitlines()[0]}.") from error


def together(tables: Sequence[pa.Table]) -> pa.Table:
    """The rows of all tables, in order, with every column of any; null where a table lacks it.

    Where types differ, whole numbers become floats beside floats, and anything beside text becomes text.
    """
    try:
        return pa.concat_tables(tables, promote_options="permissive")
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        clashing = {name for name, types in _types(tables).items() if not _promotes(types)}
        return pa.concat_tables([_as_text(table, clashing) for table in tables], promote_options="permissive")


def first_of_each(table: pa.Table, key: str) -> pa.Table:
    """The first row of each value of a column, in the order in which they stand."""
    places = pa.table({"key": table[key], "place": pa.array(range(table.num_rows), pa.int64())})
    first = places.group_by("key").aggregate([("place", "min")])["place_min"]
    return table if len(first) == table.num_rows else table.take(pc.take(first, pc.sort_indices(first)))


def _types(tables: Sequence[pa.Table]) -> dict[str, set[Any]]:
    found: dict[str, set[Any]] = {}
    for table in tables:
        for field in table.schema:
            found.setdefault(field.name, set()).add(field.type)
    return found


def _promotes(types: set[Any]) -> bool:
    known = {each for each in types if not pa.types.is_null(each)}
    return len(known) < 2 or all(pa.types.is_integer(each) or pa.types.is_floating(each) for each in known)


def _as_text(table: pa.Table, names: set[str]) -> pa.Table:
    for place, field in enumerate(table.schema):
        if field.name in names:
            table = table.set_column(place, field.name, table[field.name].cast(pa.string()))
    return table
