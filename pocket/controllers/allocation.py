"""Which ports are given away: a process that was just started does not listen yet."""

from __future__ import annotations

import threading
from collections.abc import Mapping

from pocket import ports


class Allocation:
    """Ports by their holder. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: dict[str, dict[str, int]] = {}

    def hold(self, holder: str, held: Mapping[str, int]) -> None:
        """Note what a holder has."""
        with self._lock:
            self._held[holder] = dict(held)

    def take(self, holder: str, usual: Mapping[str, int], remembered: Mapping[str, int]) -> dict[str, int]:
        """Free ports that nobody else holds, those of before where it can be."""
        with self._lock:
            others = {port for name, held in self._held.items() if name != holder for port in held.values()}
            self._held[holder] = ports.choose(usual, remembered, lambda port: port not in others)
            return self._held[holder]

    def release(self, holder: str) -> None:
        """Give back what a holder had."""
        with self._lock:
            self._held.pop(holder, None)
