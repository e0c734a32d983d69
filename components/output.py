"""What a step writes: there whole under its name, or not there at all."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from contracts.errors import disk_room

PARTIAL = ".partial"
"""Ends the name of a file or folder that is still being written."""


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """A place beside `path` for a file or a folder, which takes the name when the block ends well, else is removed.

    StorageFullError if the disk has no room.
    """
    partial = path.with_name(path.name + PARTIAL)
    with disk_room(path):
        try:
            yield partial
            partial.replace(path)
        finally:
            remove(partial)


def remove(path: Path) -> None:
    """Remove a file or a folder, if it is there."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
