"""The writing end of the spool: records go into the newest segment; the reading end deletes what was sent."""

from __future__ import annotations

import logging
import time
from typing import Literal

from serving.predictor.payload.folder import HeldFolder
from serving.predictor.payload.room import Room
from serving.predictor.payload.segment import FRAME, SegmentWriter

SEGMENT_BYTES = 2**20
"""Small, for the request that needs a new one waits until its zeros are written: about a millisecond."""
PAUSE_SECONDS = 1.0
"""After a failure to make a segment, how long none is tried."""
_logger = logging.getLogger(__name__)

Refusal = Literal["too_large", "spool_full", "disk_error"]


class Spool:
    """Appends, by one thread only. Every segment begins with the schema, so it can be read by another process."""

    def __init__(self, folder: HeldFolder, schema: bytes, room: Room) -> None:
        self.sequence = 0
        """Of the newest segment; 0: there is none yet."""
        self._folder = folder
        self._schema = schema
        self._room = room
        self._segment_bytes = min(SEGMENT_BYTES, room.limit // 4)
        self._segment: SegmentWriter | None = None
        self._closed_until = 0.0

    def append(self, record: bytes) -> Refusal | None:
        """Write a record; why not, if it is dropped."""
        if self._segment is not None and self._segment.append(record):
            return None
        size = max(self._segment_bytes, len(record) + len(self._schema) + 2 * FRAME.size)
        if size > self._room.limit:
            return "too_large"
        if time.monotonic() < self._closed_until:
            return "disk_error"
        if not self._room.take(size):
            return "spool_full"
        return None if self._begin(size, record) else "disk_error"

    def _begin(self, size: int, record: bytes) -> bool:
        try:
            segment = SegmentWriter(self._folder.segment(self.sequence + 1), size)
        except OSError as error:
            self._room.give(size)
            self._closed_until = time.monotonic() + PAUSE_SECONDS
            _logger.warning("payload log: no segment of %d bytes in %s: %s", size, self._folder.path, error)
            return False
        segment.append(self._schema)
        if self._segment is not None:
            self._segment.close()
        self._segment = segment
        self.sequence += 1  # from now on the reader may leave the segment before
        return segment.append(record)
