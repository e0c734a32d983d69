"""Log lines that are told at most so often, however often there is reason to."""

from __future__ import annotations

import logging
import time

PAUSE_SECONDS = 10.0


class Sometimes:
    """Counts between two lines, and tells the count."""

    def __init__(self, logger: logging.Logger, level: int, message: str) -> None:
        """`message` has a place for the count, as %d, and one for the newest reason, as %s."""
        self._logger = logger
        self._level = level
        self._message = message
        self._count = 0
        self._quiet_until = float("-inf")

    def tell(self, count: int, reason: str) -> None:
        """Count; and tell, unless a line was told just before."""
        self._count += count
        now = time.monotonic()
        if now >= self._quiet_until:
            self._logger.log(self._level, self._message, self._count, reason)
            self._count, self._quiet_until = 0, now + PAUSE_SECONDS
