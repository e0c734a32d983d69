"""From records to payload events, none larger than an event may be.

The JSON is written as it is: what it holds was checked when the request was decoded, and checking each value again with
the event's model costs more than everything else that is done for a row. Tests hold it against that model.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass

import orjson

from contracts.cloudevent import MAX_EVENT_BYTES, CloudEvent
from contracts.events import Payload
from serving.predictor.payload import metrics
from serving.predictor.payload.record import Record
from serving.predictor.payload.schema import Schema
from serving.predictor.payload.table import Table
from serving.predictor.payload.turns import Steps

SOURCE = "/driftloop/predictor"
_OPTIONS = orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NAIVE_UTC
_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class PayloadEvent:
    """An event, and how many rows it holds."""

    event: CloudEvent
    rows: int


def payload_events(schema: Schema, records: Sequence[Record], max_rows: int) -> Steps[list[PayloadEvent]]:
    """The rows of the records in events of at most so many, in their order."""
    table, events = Table(schema, records), list[PayloadEvent]()
    for start in range(0, table.rows, max_rows):
        yield
        yield from _add_fitting(events, schema, table, start, min(start + max_rows, table.rows))
    return events


def _add_fitting(events: list[PayloadEvent], schema: Schema, table: Table, start: int, end: int) -> Steps[None]:
    """One event, or as many halves as it takes."""
    own = {"loop": schema.loop, "model_version": schema.model_version, "revision": schema.revision}
    told = orjson.dumps({**own, **table.told(start, end)}, option=_OPTIONS)
    yield
    body = b"".join((memoryview(told)[:-1], b",", *table.numbers(start, end), b"}"))
    if len(body) <= MAX_EVENT_BYTES:
        events.append(PayloadEvent(_event(schema, body, _identity(told)), end - start))
    elif end - start == 1:
        metrics.REJECTED.inc()
        _logger.error("payload log: a row takes %d bytes, more than an event may: %s", len(body), told[:1000].decode())
    else:
        middle = (start + end) // 2
        yield from _add_fitting(events, schema, table, start, middle)
        yield from _add_fitting(events, schema, table, middle, end)


def _event(schema: Schema, body: bytes, identity: str) -> CloudEvent:
    attributes = {"id": identity, "source": SOURCE, "type": Payload.type(), "loop": schema.loop}
    return CloudEvent(attributes, body, "application/json")


def _identity(told: bytes) -> str:
    """The same rows have the same id, by who answered, ids, times and seconds: their numbers tell nothing more."""
    digest = hashlib.sha256(f"{Payload.type()}\n{SOURCE}\n".encode())
    digest.update(told)
    return digest.hexdigest()[:32]
