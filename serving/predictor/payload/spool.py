"""The writing end of the spool: records go into the newest segment; the reading end gives back what was sent."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Literal

from serving.predictor.payload.folder import HeldFolder
from serving.predictor.payload.room import Room
from serving.predictor.payload.segment import FRAME, SegmentWriter

SEGMENT_BYTES = 2**20
"""Small, for the request that needs a new one waits until its zeros are written: about a millisecond."""
PAUSE_SECONDS = 1.0
"""After a failure to make a segment, how long none is tried."""
_MAPPED = 2
"""Segments that stay in memory when they are full: they may be written again soon."""
_logger = logging.getLogger(__name__)

Refusal = Literal["too_large", "spool_full", "disk_error"]


class Spool:
    """Appends, by one thread only; another may read. Every segment has the schema, so any process can read it."""

    def __init__(self, folder: HeldFolder, schema: bytes, room: Room) -> None:
        self.sequence = 0
        """Of the newest segment; 0: there is none yet."""
        self.sealed = (0, 0)
        """A segment, and how far it may be read."""
        self._folder = folder
        self._schema = schema
        self._room = room
        self._segment_bytes = min(SEGMENT_BYTES, room.limit // 4)
        self._segment: SegmentWriter | None = None
        self._written: dict[int, SegmentWriter] = {}
        self._spare: SegmentWriter | None = None
        self._closed_until = 0.0
        self._lock = threading.Lock()

    def append(self, record: bytes, form: bytes = b"", opening: Callable[[], bytes] | None = None) -> Refusal | None:
        """Write a record; why not, if it is dropped. One of the same form as the one before is added to that.

        Where it is not, it begins with what `opening` makes.
        """
        segment = self._segment
        if form and segment is not None and segment.grow(record, form):
            return None
        if opening is not None:
            record = opening() + record
        with self._lock:
            if segment is not None and segment.append(record, form):
                return None
            return self._append_elsewhere(record, form)

    def seal(self) -> tuple[int, int]:
        """Let the newest record grow no more, so that all may be read. See `sealed`."""
        with self._lock:
            self.sealed = self.sequence, 0 if self._segment is None else self._segment.seal()
            return self.sealed

    def release(self, sequence: int) -> None:
        """A segment is not needed any more. One is kept to be written again: to make one takes a millisecond."""
        with self._lock:
            segment = self._written.pop(sequence, None)
            if segment is None:
                return
            if self._spare is None and segment.size == self._segment_bytes and segment.is_open:
                self._spare = segment
            else:
                self._delete(segment)

    def _append_elsewhere(self, record: bytes, form: bytes) -> Refusal | None:
        size = max(self._segment_bytes, len(record) + len(self._schema) + 3 * FRAME.size)
        if size > self._room.limit:
            return "too_large"
        if time.monotonic() < self._closed_until:
            return "disk_error"
        return self._begin(size, record, form)

    def _begin(self, size: int, record: bytes, form: bytes) -> Refusal | None:
        try:
            segment = self._renewed(size) or self._new(size)
        except OSError as error:
            self._closed_until = time.monotonic() + PAUSE_SECONDS
            _logger.warning("payload log: no segment of %d bytes in %s: %s", size, self._folder.path, error)
            return "disk_error"
        if segment is None:
            return "spool_full"
        segment.append(self._schema)
        if self._segment is not None:
            self._written[self.sequence] = self._segment
            for old in list(self._written.values())[:-_MAPPED]:
                old.close()
        self._segment = segment
        self.sequence += 1  # from now on the reader may leave the segment before
        segment.append(record, form)
        return None

    def _renewed(self, size: int) -> SegmentWriter | None:
        """The spare segment, if it is large enough; if not, it makes room."""
        spare, self._spare = self._spare, None
        if spare is not None and spare.size < size:
            self._delete(spare)
            return None
        if spare is not None:
            try:
                spare.renew(self._folder.segment(self.sequence + 1))
            except OSError:
                self._spare = spare
                raise
        return spare

    def _new(self, size: int) -> SegmentWriter | None:
        """None: there is no room."""
        if not self._room.take(size):
            return None
        try:
            return SegmentWriter(self._folder.segment(self.sequence + 1), size)
        except OSError:
            self._room.give(size)
            raise

    def _delete(self, segment: SegmentWriter) -> None:
        segment.close()
        segment.path.unlink(missing_ok=True)
        self._room.give(segment.size)
