"""A file of the spool: records one after another, each with its length and checksum before it.

The file is made at its full size, all zeros: so a full disk shows when it is made, not when memory is written, and a
length of zero is the end. Bytes are written before the length that tells of them, and that at once with its checksum:
no process killed leaves half a record. The newest record may grow.
"""

from __future__ import annotations

import mmap
import os
import struct
import time
from pathlib import Path
from zlib import crc32

import numpy as np
from google_crc32c import extend

FRAME = struct.Struct("<II")
"""Length and CRC-32C of the record that follows; the version before wrote its CRC-32.

Processors have an instruction for CRC-32C. CRC-32 goes by tables, which drive all else out of the nearest cache.
"""
_END = bytes(FRAME.size)
_ZEROS = bytes(2**16)
_MOST = 2**24
"""Bytes of one call, which takes a bounded number of blocks."""


class SegmentWriter:
    """A new segment. OSError if it cannot be made; nothing is left of it then."""

    def __init__(self, path: Path, size: int) -> None:
        try:
            with path.open("x+b", buffering=0) as file:
                _fill(file.fileno(), size)
                self._memory = mmap.mmap(file.fileno(), size)
        except OSError:
            path.unlink(missing_ok=True)
            raise
        self.path = path
        self.size = size
        self._frame = self._end = self._checksum = 0  # where the newest record's frame begins, and where it ends
        self._form = b""
        self._is_written = False

    def renew(self, path: Path) -> None:
        """Begin anew under another name, when what is in it is not needed any more. OSError: nothing was changed.

        What stands behind the end is what was there before: the end is marked with each record.
        """
        self._memory[: FRAME.size] = _END
        self.path.rename(path)
        self.path, self._end, self._form = path, 0, b""

    def append(self, record: bytes, form: bytes = b"") -> bool:
        """Write a record, from when on it outlives the process. False if there is no room for it.

        A form says that it may grow.
        """
        if self._end + len(record) + 2 * FRAME.size > self.size:
            return False
        self._frame, self._end, self._checksum, self._form = self._end, self._end + FRAME.size, 0, form
        return self.grow(record, form)

    def grow(self, more: bytes, form: bytes) -> bool:
        """Make the newest record longer, if it is of that form, and there is room for it. Whether it is."""
        self._is_written = True  # before the form is looked at: `seal` does both the other way round
        try:
            start = self._end
            end = start + len(more)
            behind = end + FRAME.size
            if form != self._form or behind > self.size:
                return False
            memory, frame = self._memory, self._frame
            memory[start:end] = more
            memory[end:behind] = _END
            self._checksum = checksum = extend(self._checksum, more)
            memory[frame : frame + FRAME.size] = FRAME.pack(end - frame - FRAME.size, checksum)  # all of it or nothing
            self._end = end
        finally:
            self._is_written = False
        return True

    def seal(self) -> int:
        """Let the newest record grow no more, which another thread may be about to. Where the next one will begin.

        A lock would do, too, and be a fifth of what it takes to write a few requests.
        """
        self._form = b""
        while self._is_written:
            time.sleep(0)
        return self._end

    @property
    def is_open(self) -> bool:
        """Whether it was not closed."""
        return not self._memory.closed

    def close(self) -> None:
        """Write no more."""
        self._memory.close()


def _fill(file: int, size: int) -> None:
    """Write zeros, the same few again and again: to make as many takes half as long as to write them."""
    while size:
        blocks, rest = divmod(min(size, _MOST), len(_ZEROS))
        size -= os.writev(file, [_ZEROS] * blocks + [_ZEROS[:rest]])


class SegmentReader:
    """A segment, of this process or of one that has ended."""

    def __init__(self, path: Path) -> None:
        with path.open("rb") as file:
            empty = path.stat().st_size == 0  # its process was killed before it wrote anything
            self._memory = None if empty else mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)

    def read(self, start: int) -> tuple[memoryview | None, int] | None:
        """The record that begins there, and where the next one does; None at the end of what is written.

        Instead of a record whose checksum is wrong there is None. A record is memory of the file: a copy would drive
        from the caches what requests need.
        """
        memory = self._memory
        if memory is None or start + FRAME.size > len(memory):
            return None
        length, checksum = FRAME.unpack_from(memory, start)
        if length == 0:
            return None
        start += FRAME.size
        if start + length > len(memory):  # no record has such a length: what follows cannot be found
            return None, len(memory)
        found = np.frombuffer(memory, np.uint8, length, start)
        record = found.data
        is_whole = checksum == extend(0, found) or checksum == crc32(record)
        return record if is_whole else None, start + length

    def close(self) -> None:
        """Read no more. The memory goes with the last record that is kept."""
        self._memory = None
