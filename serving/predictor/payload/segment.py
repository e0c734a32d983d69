"""A file of the spool: records one after another, each with its length and checksum before it.

The file is made at its full size, all zeros: so a full disk shows when it is made, not when memory is written, and a
length of zero is the end. A record's bytes are written before its length: no process killed leaves half of one.
"""

from __future__ import annotations

import mmap
import os
import struct
from pathlib import Path
from zlib import crc32

FRAME = struct.Struct("<II")
"""Length and CRC-32 of the record that follows."""
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
        self._size = size
        self._end = 0

    def append(self, record: bytes) -> bool:
        """Write a record, from when on it outlives the process. False if there is no room for it."""
        start = self._end + FRAME.size
        end = start + len(record)
        if end > self._size:
            return False
        self._memory[start:end] = record
        FRAME.pack_into(self._memory, self._end, len(record), crc32(record))
        self._end = end
        return True

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

    def read(self, start: int) -> tuple[bytes | None, int] | None:
        """The record that begins there, and where the next one does; None at the end of what is written.

        Instead of a record whose checksum is wrong there is None.
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
        record = memory[start : start + length]
        return record if crc32(record) == checksum else None, start + length

    def close(self) -> None:
        """Read no more."""
        if self._memory is not None:
            self._memory.close()
