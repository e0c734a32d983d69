"""How much disk the spool may take."""

from __future__ import annotations

import threading

from serving.predictor.payload import metrics


class Room:
    """Counts the bytes of every file that this process holds, its leftovers included, against one bound."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._taken = 0
        self._lock = threading.Lock()

    def take(self, size: int) -> bool:
        """Take so many bytes; False, and nothing taken, if the bound does not allow it."""
        with self._lock:
            if self._taken + size > self.limit:
                return False
            self._set(self._taken + size)
            return True

    def adopt(self, size: int) -> None:
        """Count bytes that are there already, whatever the bound."""
        with self._lock:
            self._set(self._taken + size)

    def give(self, size: int) -> None:
        """Give bytes back."""
        with self._lock:
            self._set(self._taken - size)

    def _set(self, taken: int) -> None:
        self._taken = taken
        metrics.SPOOL_BYTES.set(taken)
