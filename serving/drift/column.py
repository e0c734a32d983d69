"""Clean columns out of a table: what is missing, what is unseen, and the rest as the model sees it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from contracts.errors import DataError

Values = npt.NDArray[np.float32]
"""Shape [values]: numbers in the model's own precision, in ascending order, none missing."""
Counts = npt.NDArray[np.int64]
"""Shape [categories]: rows of each category, in the order of the feature."""


@dataclass(frozen=True)
class Numbers:
    """A column of numbers. Infinity is a number, larger than any other."""

    values: Values
    missing: int


@dataclass(frozen=True)
class Categories:
    """A column of categories; `unseen` counts the values that the feature does not list."""

    counts: Counts
    unseen: int
    missing: int


def numbers(table: pa.Table, name: str, where: str) -> Numbers:
    """A column's numbers; null and NaN are missing. DataError if it is not there or holds no numbers."""
    column = _column(table, name, where)
    kind = column.type
    if not _is_number(kind):
        raise DataError(f"Column {name!r} of the {where} is of type {kind}; it must hold numbers.")
    wide = column.cast(pa.float64(), safe=False).to_numpy()
    with np.errstate(over="ignore"):
        values = np.sort(wide.astype(np.float32))  # NaN sorts last
    present = len(values) - int(np.count_nonzero(np.isnan(values)))
    return Numbers(values[:present], len(values) - present)


def categories(table: pa.Table, name: str, known: tuple[str, ...], where: str) -> Categories:
    """A column's categories; null is missing. DataError if it is not there or holds neither text nor whole numbers."""
    column = _column(table, name, where)
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    if not _is_category(kind):
        raise DataError(f"Column {name!r} of the {where} is of type {column.type}; it must hold text.")
    text = column.cast(kind).cast(pa.string())
    places = pc.index_in(text, value_set=pa.array(known, pa.string())).drop_null().to_numpy()
    counts = np.bincount(places, minlength=len(known)).astype(np.int64)
    missing: int = text.null_count
    return Categories(counts, len(text) - missing - len(places), missing)


def _column(table: pa.Table, name: str, where: str) -> pa.ChunkedArray:
    found = table.schema.get_all_field_indices(name)
    if len(found) != 1:
        what = "is missing" if not found else f"is there {len(found)} times"
        raise DataError(f"Column {name!r} of the {where} {what}.", f"Columns there: {table.column_names}.")
    return table.column(found[0])


def _is_number(kind: pa.DataType) -> bool:
    tests = (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal, pa.types.is_boolean, pa.types.is_null)
    return any(test(kind) for test in tests)


def _is_category(kind: pa.DataType) -> bool:
    tests = (pa.types.is_string, pa.types.is_large_string, pa.types.is_integer, pa.types.is_null)
    return any(test(kind) for test in tests)
