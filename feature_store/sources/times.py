"""Event times of any Arrow type, as timestamp[us, UTC]."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from contracts.errors import DataError

UTC_TIME = pa.timestamp("us", tz="UTC")

_ZONED = r"\d[T ].*(Z|[+-]\d\d(:?\d\d)?)$"
_BEYOND_MICROSECONDS = r"(\.\d{6})\d+"


def to_utc(values: pa.Array, column: str, where: str) -> pa.Array:
    """The same instants as timestamp[us, UTC], NULLs kept; finer than a microsecond is rounded down.

    Takes timestamps of any unit and zone, dates (midnight) and ISO 8601 text; what has no zone is UTC.
    DataError names the first value that is not a time.
    """
    try:
        return _instants(values)
    except pa.ArrowException as error:
        raise DataError(
            f"Column {column!r} of {where} holds {_first_bad(values)!r}, which is not a time.",
            "Write times as 2013-01-31T05:00:00Z; without a zone they are taken as UTC.",
        ) from error


def _instants(values: pa.Array) -> pa.Array:
    kind = values.type
    if pa.types.is_dictionary(kind):
        return _instants(values.dictionary_decode())
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return _parsed(values.cast(pa.string()))
    if pa.types.is_timestamp(kind) and kind.unit == "ns":
        return pc.floor_temporal(values.view(pa.timestamp("ns")), unit="microsecond").cast(UTC_TIME)
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind) or pa.types.is_null(kind):
        return values.cast(UTC_TIME)
    if values.null_count == len(values):
        return pa.nulls(len(values), UTC_TIME)
    raise pa.ArrowTypeError(f"{kind} is not a type of times")


def _parsed(text: pa.Array) -> pa.Array:
    text = pc.replace_substring_regex(text, _BEYOND_MICROSECONDS, r"\1")
    zoned = pc.match_substring_regex(text, _ZONED)
    nothing = pa.scalar(None, pa.string())
    with_zone = pc.if_else(zoned, text, nothing).cast(UTC_TIME)
    without_zone = pc.if_else(zoned, nothing, text).cast(pa.timestamp("us")).cast(UTC_TIME)
    return pc.coalesce(with_zone, without_zone)


def _first_bad(values: pa.Array) -> str:
    for row in range(len(values)):
        try:
            _instants(values.slice(row, 1))
        except pa.ArrowException:
            return _shown(values.slice(row, 1))
    return str(values.type)


def _shown(value: pa.Array) -> str:
    try:
        return str(value.cast(pa.string())[0])
    except pa.ArrowNotImplementedError:  # a nested type, which Arrow does not write as text but Python does
        return str(value[0])
