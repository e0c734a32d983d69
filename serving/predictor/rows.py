"""What a request asks: its rows as the model takes them, as the client sent them, and which rows they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from feature_store.matrix import Matrix
from serving.predictor.column import Column


class Identity(NamedTuple):
    """Which rows they are and when they happened, as far as the client told. Each list has an entry a row."""

    row_ids: list[str] | None = None
    timestamps: list[str] | None = None
    """ISO 8601 in UTC."""


UNTOLD = Identity()
"""Of rows of which the client told nothing."""


class Rows(NamedTuple):
    """A request, decoded and checked."""

    matrix: Matrix
    columns: Sequence[Column] | None
    """As the client sent them, in the order of the features; None: it sent the matrix."""
    identity: Identity
    request_id: str | None = None
    """From the request's body."""
