"""The payload log as the model sees it: a call a request, and one before answers are sent, which writes to memory that
outlives the process.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from serving.predictor.dataplane import DataPlane
from serving.predictor.payload import metrics
from serving.predictor.payload.folder import create
from serving.predictor.payload.options import PayloadOptions
from serving.predictor.payload.packing import Packer
from serving.predictor.payload.reader import SpoolReader
from serving.predictor.payload.request_id import NewIds
from serving.predictor.payload.room import Room
from serving.predictor.payload.schema import Schema
from serving.predictor.payload.sender import Sender
from serving.predictor.payload.sink import Sink
from serving.predictor.payload.sometimes import Sometimes
from serving.predictor.payload.spool import Spool
from serving.predictor.payload.usual import Packed
from serving.predictor.tally import Tally

_logger = logging.getLogger(__name__)


class PayloadLog:
    """Writes to the spool, from the event loop's thread only. What is logged is kept from `commit` on."""

    def __init__(self, spool: Spool, spooled: Tally, sender: Sender, share: float, rows: int) -> None:
        self._spool = spool
        self._append = spool.append
        self._spooled = spooled
        self._sender = sender
        self._rows = rows
        self._unsent = 0
        self._packer = Packer(NewIds(), share)
        self._packed = self._packer.packed
        self.add = self._packer.add
        """Log a request that is about to be answered."""
        self._dropped = Sometimes(_logger, logging.WARNING, "payload log: %d rows are not logged: %s")

    def compute_on(self, loop: asyncio.AbstractEventLoop) -> None:
        """Make events out of rows on this loop, which the requests run on, in turns between them."""
        self._sender.turns.loop = loop

    def commit(self) -> None:
        """Keep what was logged. To be called before a client sees an answer: then its rows outlive the process."""
        packed: Sequence[Packed] = ()
        try:
            packed = self._packed()
            for record, rows, form, opening in packed:
                if self._unsent + rows > self._rows and self._unsent:
                    self._seal()
                refusal = self._append(record, form, opening)
                if refusal is None:
                    self._spooled.count += rows
                    self._unsent += rows
                else:
                    self._drop(rows, refusal)
        except Exception:  # the answers are right, whatever becomes of their rows
            lost = sum(rows for _, rows, *_ in packed) or self._packer.forget()
            _logger.exception("payload log: up to %d rows are not logged", lost)
            metrics.DROPPED.labels("failed").inc(lost)
        if self._unsent >= self._rows:
            self._seal()

    def _drop(self, rows: int, refusal: str) -> None:
        metrics.DROPPED.labels(refusal).inc(rows)
        self._spooled.tell()
        self._dropped.tell(rows, refusal)

    def _seal(self) -> None:
        """A batch is full."""
        self._unsent = 0
        self._spool.seal()
        self._sender.send_up_to(self._spooled.count)


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
    reader = SpoolReader(folder, room, spool)
    delay_seconds = options.payload_delay_ms / 1000
    spooled = Tally(metrics.SPOOLED)
    sender = Sender(
        reader, options.payload_spool, room, Sink(options.sink), options.payload_rows, delay_seconds, spooled
    )
    sender.start()
    _logger.info("payload log: rows go to %s by way of %s", options.sink, folder.path)
    log = PayloadLog(spool, spooled, sender, options.payload_share, options.payload_rows)
    try:
        yield log
    finally:
        log.commit()
        if not sender.finish(options.payload_flush_seconds):
            _logger.warning("payload log: rows that are not sent yet stay in %s", folder.path)
