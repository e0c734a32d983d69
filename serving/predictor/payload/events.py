"""From records to payload events, none larger than an event may be.

The JSON is written as it is: what it holds was checked when the request was decoded, and checking each value again with
the event's model costs more than everything else that is done for a row. Tests hold it against that model.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain, groupby
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson

from contracts.cloudevent import MAX_EVENT_BYTES, CloudEvent
from contracts.events import Payload
from contracts.model import Feature
from feature_store.matrix import Matrix
from serving.predictor.payload import metrics
from serving.predictor.payload.record import Record
from serving.predictor.payload.schema import Schema

SOURCE = "/driftloop/predictor"
MAX_TEXT = 1024
"""Characters of a text that is logged; the rest is cut off."""
NO_NUMBER = "The model's probability is not a number."
_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class PayloadEvent:
    """An event, and how many rows it holds."""

    event: CloudEvent
    rows: int


def payload_events(schema: Schema, records: list[Record], max_rows: int) -> Iterator[PayloadEvent]:
    """The rows of the records in events of at most so many, in their order."""
    lists = _lists(schema, records)
    for start in range(0, len(lists["row_ids"]), max_rows):
        yield from _fitting(schema, _cut(lists, start, start + max_rows))


def _fitting(schema: Schema, lists: dict[str, Any]) -> Iterator[PayloadEvent]:
    """One event, or as many halves as it takes."""
    rows = len(lists["row_ids"])
    told = {"loop": schema.loop, "model_version": schema.model_version, "revision": schema.revision}
    body = orjson.dumps({**told, **lists})
    if len(body) <= MAX_EVENT_BYTES:
        yield PayloadEvent(_event(schema, body), rows)
    elif rows == 1:
        metrics.REJECTED.inc()
        _logger.error("payload log: row %s takes %d bytes, more than an event may", lists["row_ids"][0], len(body))
    else:
        yield from _fitting(schema, _cut(lists, 0, rows // 2))
        yield from _fitting(schema, _cut(lists, rows // 2, rows))


def _event(schema: Schema, body: bytes) -> CloudEvent:
    """The same rows have the same id."""
    identity = hashlib.sha256(b"\n".join((Payload.type().encode(), SOURCE.encode(), body))).hexdigest()[:32]
    attributes = {"id": identity, "source": SOURCE, "type": Payload.type(), "loop": schema.loop}
    return CloudEvent(attributes, body, "application/json")


def _lists(schema: Schema, records: list[Record]) -> dict[str, Any]:
    """The fields of a Payload that have an entry a row."""
    columns = [_columns(schema, list(group), matrix) for matrix, group in groupby(records, key=_has_matrix)]
    scores = np.concatenate([_scores(schema, record) for record in records])
    wrong = np.isnan(scores).any(axis=1, keepdims=True)
    by_label = _decimals(np.where(wrong, np.float32(np.nan), scores.clip(0, 1)))
    return {
        "row_ids": _flat(_row_ids(record) for record in records),
        "timestamps": _flat(_timestamps(record) for record in records),
        "columns": {
            feature.name: _flat(columns_of[at] for columns_of in columns) for at, feature in enumerate(schema.features)
        },
        "scores": dict(zip(schema.labels, by_label, strict=True)),
        "seconds": _flat([record.seconds] * record.rows for record in records),
        "errors": _errors(_flat([record.error] * record.rows for record in records), wrong),
    }


def _flat(lists: Iterable[list[Any]]) -> list[Any]:
    return list(chain.from_iterable(lists))


def _has_matrix(record: Record) -> bool:
    return record.matrix is not None


def _cut(lists: dict[str, Any], start: int, end: int) -> dict[str, Any]:
    return {
        name: _cut(values, start, end) if isinstance(values, dict) else values[start:end]
        for name, values in lists.items()
    }


def _row_ids(record: Record) -> list[str]:
    return record.row_ids or [f"{record.request_id}/{row}" for row in range(record.rows)]


def _timestamps(record: Record) -> list[str]:
    return record.timestamps or [datetime.fromtimestamp(record.at, UTC).isoformat()] * record.rows


def _columns(schema: Schema, records: list[Record], are_matrices: bool) -> list[list[Any]]:
    """A list a feature: as the client sent it, a category as its text."""
    if are_matrices:
        sent = _decimals(np.concatenate([record.matrix for record in records if record.matrix is not None]))
        return [_named(values, feature) for values, feature in zip(sent, schema.features, strict=True)]
    parts = [record.columns or [] for record in records]
    joined = (_flat(part[at] for part in parts) for at in range(len(schema.features)))
    return [
        values if feature.categories is None else [value if value is None else value[:MAX_TEXT] for value in values]
        for values, feature in zip(joined, schema.features, strict=True)
    ]


def _named(values: list[Any], feature: Feature) -> list[Any]:
    known = feature.categories
    return values if known is None else [None if value is None else known[int(value)] for value in values]


def _scores(schema: Schema, record: Record) -> Matrix:
    """Of a row for which the model failed, NaN."""
    if record.probabilities is None:
        return np.full((record.rows, len(schema.labels)), np.nan, dtype=np.float32)
    return record.probabilities


def _errors(told: list[str | None], wrong: npt.NDArray[np.bool_]) -> list[str | None]:
    if not wrong.any():
        return told
    return [
        (error or NO_NUMBER)[:MAX_TEXT] if failed else None for error, failed in zip(told, wrong[:, 0], strict=True)
    ]


def _decimals(matrix: Matrix) -> list[list[float | None]]:
    """A list a column, each number the shortest decimal of the same FP32: 0.1, not 0.10000000149. NaN is None."""
    columns: list[list[float | None]] = orjson.loads(
        orjson.dumps(np.ascontiguousarray(matrix.T), option=orjson.OPT_SERIALIZE_NUMPY)
    )
    return columns
