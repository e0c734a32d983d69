"""Whether the home is still the one that the controllers began in: it may be deleted, or moved, while they run."""

from __future__ import annotations

import os
from pathlib import Path


class Anchor:
    """A home's folder, held open so that no other folder gets its number."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._folder = os.open(home, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)

    def holds(self) -> bool:
        """Whether this folder still stands at its path."""
        try:
            return os.path.samestat(self._home.stat(), os.fstat(self._folder))
        except (FileNotFoundError, NotADirectoryError):
            return False
