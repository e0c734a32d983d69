"""The reading end of a spool: batches of records, and a position on disk that moves on once they are sent."""

from __future__ import annotations

import logging
import os
import struct
from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

from serving.predictor.payload import metrics
from serving.predictor.payload.folder import HeldFolder
from serving.predictor.payload.older import repacked
from serving.predictor.payload.record import Record, rows_of, unpack
from serving.predictor.payload.room import Room
from serving.predictor.payload.schema import Schema
from serving.predictor.payload.segment import SegmentReader
from serving.predictor.payload.spool import Spool

_POSITION = struct.Struct("<QQ")
_CHECKSUM = struct.Struct("<I")
_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Batch:
    """Records of one segment, and where the next one begins in it."""

    schema: Schema
    packed: list[memoryview]
    rows: int
    """Of all records."""
    end: int
    is_full: bool
    """Whether no more rows were wanted, rather than there."""

    @property
    def records(self) -> list[Record]:
        """The records, those of one kind together."""
        return unpack(self.packed, len(self.schema.features), len(self.schema.labels))


class SpoolReader:
    """Reads one folder. `writer` writes to it; None: the process that did has ended."""

    def __init__(self, folder: HeldFolder, room: Room, writer: Spool | None = None) -> None:
        self.folder = folder
        self._room = room
        self._writer = writer
        # The last segment that may be read, and how far: the newest record of one that is written to may grow.
        self._limit = (0, 0) if writer is not None else (max(folder.sequences(), default=0), 2**63)
        self._file = os.open(folder.path / "position", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        self._sequence, self._start = self._stored()
        self._segment: SegmentReader | None = None
        self._schema: Schema | None = None

    def read(self, rows: int) -> Batch | None:
        """Records from the position on, as many as have so many rows together, but one at least, or until the segment
        ends; None if there are none.
        """
        if self._writer is not None:
            self._limit = self._writer.sealed
            if (self._sequence, self._start) >= self._limit:  # else what grows now had better grow on
                self._limit = self._writer.seal()
        newest, _ = self._limit
        while True:
            if not self._is_there() and not self._advance(newest):
                return None
            batch = self._batch(rows)
            if batch is not None:
                return batch
            if self._sequence >= newest or not self._advance(newest):
                return None

    @property
    def is_behind(self) -> bool:
        """Whether a newer segment is written to."""
        return self._sequence < (self._limit[0] if self._writer is None else self._writer.sequence)

    def commit(self, batch: Batch) -> None:
        """Go on behind a batch, in this process and in the next one of this folder."""
        self._move(self._sequence, batch.end)

    def close(self) -> None:
        """Read no more. What is not committed stays."""
        self._leave()
        os.close(self._file)

    def _batch(self, rows: int) -> Batch | None:
        segment, schema = self._open(), self._schema
        if schema is None:
            return None
        widths = len(schema.features), len(schema.labels)
        records: list[memoryview] = []
        start, count, is_full = self._start, 0, False
        while not is_full and (self._sequence, start) < self._limit and (found := segment.read(start)) is not None:
            record, end = found
            if record is None:
                if records:
                    break  # it is told once: when it is the first of a batch
                self._damaged()
                self._start = start = end
                continue
            if schema.format == 1:
                record = memoryview(repacked(bytes(record), *widths))
            more = rows_of(record, *widths)
            is_full = count + more >= rows
            if count + more > rows and records:  # a few rows more would make an event of their own
                break
            count += more
            start = end
            records.append(record)
        return Batch(schema, records, count, start, is_full) if records else None

    def _is_there(self) -> bool:
        return self._segment is not None or (self._sequence > 0 and self.folder.segment(self._sequence).exists())

    def _open(self) -> SegmentReader:
        """The segment, with its schema read; without one there is nothing in it that could be understood."""
        if self._segment is None:
            self._segment = SegmentReader(self.folder.segment(self._sequence))
            first = self._segment.read(0)
            record, end = first or (None, 0)
            self._schema = None if record is None else Schema.read(bytes(record))
            self._start = max(self._start, end)
            if first is not None and self._schema is None:
                self._damaged()
        return self._segment

    def _advance(self, newest: int) -> bool:
        """Delete the segment and go to the next one; False if there is none yet."""
        following = next((each for each in self.folder.sequences() if self._sequence < each <= newest), None)
        if following is None:
            return False
        self._leave()
        done = self._sequence
        self._move(following, 0)
        if self._writer is not None:
            self._writer.release(done)
        else:
            self._delete(self.folder.segment(done))
        return True

    def _delete(self, segment: Path) -> None:
        if segment.exists():
            size = segment.stat().st_size
            segment.unlink()
            self._room.give(size)

    def _leave(self) -> None:
        if self._segment is not None:
            self._segment.close()
        self._segment = None

    def _move(self, sequence: int, start: int) -> None:
        self._sequence, self._start = sequence, start
        position = _POSITION.pack(sequence, start)
        os.pwrite(self._file, position + _CHECKSUM.pack(crc32(position)), 0)

    def _stored(self) -> tuple[int, int]:
        """The position on disk; if it is not whole, the beginning: rows are sent twice rather than never."""
        found = os.pread(self._file, _POSITION.size + _CHECKSUM.size, 0)
        position, checksum = found[: _POSITION.size], found[_POSITION.size :]
        if len(found) != _POSITION.size + _CHECKSUM.size or _CHECKSUM.pack(crc32(position)) != checksum:
            return 0, 0
        sequence, start = _POSITION.unpack(position)
        return sequence, start

    def _damaged(self) -> None:
        metrics.DAMAGED.inc()
        _logger.error("payload log: a record of %s is damaged and cannot be sent", self.folder.segment(self._sequence))
