"""The payload log as the model sees it: one call a request, which writes to memory that outlives the process."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from feature_store.matrix import Matrix
from serving.predictor.dataplane import DataPlane
from serving.predictor.payload import metrics
from serving.predictor.payload.folder import create
from serving.predictor.payload.options import PayloadOptions
from serving.predictor.payload.reader import SpoolReader
from serving.predictor.payload.record import pack
from serving.predictor.payload.request_id import is_sampled, new_id, request_id
from serving.predictor.payload.room import Room
from serving.predictor.payload.schema import Schema
from serving.predictor.payload.sender import Sender
from serving.predictor.payload.sink import Sink
from serving.predictor.payload.sometimes import Sometimes
from serving.predictor.payload.spool import Spool
from serving.predictor.rows import Rows
from serving.predictor.tally import Tally

_logger = logging.getLogger(__name__)
_Headers = Mapping[str, str] | None


class PayloadLog:
    """Writes to the spool, from the event loop's thread only."""

    def __init__(self, spool: Spool, spooled: Tally, sender: Sender, share: float, rows: int) -> None:
        self._spool = spool
        self._spooled = spooled
        self._sender = sender
        self._share = share
        self._rows = rows
        self._waiting = 0
        self._dropped = Sometimes(_logger, logging.WARNING, "payload log: %d rows are not logged: %s")

    def compute_on(self, loop: asyncio.AbstractEventLoop) -> None:
        """Make events out of rows on this loop, which the requests run on, in turns between them."""
        self._sender.turns.loop = loop

    def answered(self, rows: Rows, probabilities: Matrix, headers: _Headers, seconds: float) -> None:
        """Log a request that is about to be answered."""
        self._write(rows, probabilities, None, headers, seconds)

    def failed(self, rows: Rows, error: Exception, headers: _Headers, seconds: float) -> None:
        """Log a request for which the model failed."""
        lines = str(error).splitlines()
        self._write(rows, None, ": ".join([type(error).__name__, *lines[:1]]), headers, seconds)

    def _write(
        self, rows: Rows, probabilities: Matrix | None, error: str | None, headers: _Headers, seconds: float
    ) -> None:
        request = request_id(rows.request_id, headers) or new_id()
        if self._share < 1 and not is_sampled(request, self._share):
            return
        count = len(rows.matrix)
        refusal = self._spool.append(pack(rows, request, time.time(), seconds, probabilities, error))
        if refusal is not None:
            metrics.DROPPED.labels(refusal).inc(count)
            self._spooled.tell()
            self._dropped.tell(count, refusal)
            return
        self._spooled.count += count
        self._waiting += count
        if self._waiting >= self._rows:
            self._waiting = 0
            self._sender.full.set()


@contextmanager
def opened(plane: DataPlane, options: PayloadOptions) -> Iterator[PayloadLog | None]:
    """The payload log while a model is served, None if there is none to be; at the end the rest is sent.

    ConfigError: the spool cannot be used, or events cannot carry the model's rows.
    """
    if options.sink is None or not options.enabled:
        yield None
        return
    schema, room = Schema.of(plane, options.revision), Room(options.payload_spool_bytes)
    folder = create(options.payload_spool)
    spool = Spool(folder, schema.written(), room)
    reader = SpoolReader(folder, room, lambda: spool.sequence)
    delay_seconds = options.payload_delay_ms / 1000
    spooled = Tally(metrics.SPOOLED)
    sender = Sender(
        *(reader, options.payload_spool, room, Sink(options.sink), options.payload_rows, delay_seconds), spooled.tell
    )
    sender.start()
    _logger.info("payload log: rows go to %s by way of %s", options.sink, folder.path)
    try:
        yield PayloadLog(spool, spooled, sender, options.payload_share, options.payload_rows)
    finally:
        if not sender.finish(options.payload_flush_seconds):
            _logger.warning("payload log: rows that are not sent yet stay in %s", folder.path)
