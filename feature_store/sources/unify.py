"""One table of pieces that a source gave different types, as when one CSV file of many has a word among the numbers."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa


def unify(pieces: Sequence[pa.Table]) -> pa.Table:
    """The rows of all pieces, which have the same columns in the same order.

    A column takes the type that holds the types of all its pieces (int64 and float64: float64; nothing known and text:
    text); where there is none it is text. So neither the order of the pieces nor what is in them decides, only their
    types, and validation sees the word that does not belong.
    """
    names = pieces[0].column_names
    schema = pa.schema([(name, _common([piece.schema.field(name).type for piece in pieces])) for name in names])
    return pa.concat_tables([piece.cast(schema, safe=False) for piece in pieces])


def _common(kinds: Sequence[pa.DataType]) -> pa.DataType:
    try:
        return (
            pa.unify_schemas([pa.schema([("x", kind)]) for kind in kinds], promote_options="permissive").field(0).type
        )
    except (pa.ArrowTypeError, pa.ArrowInvalid):
        return pa.string()
