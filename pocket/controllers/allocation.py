"""Which ports are given away: a process that was just started does not listen yet."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

from pocket import ports


class Allocation:
    """Ports by their holder. Safe to use from several threads."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._lock = threading.Lock()
        self._held: dict[str, dict[str, int]] = {}

    def hold(self, holder: str, held: Mapping[str, int]) -> None:
        """Note what a holder has."""
        with self._lock:
            self._held[holder] = dict(held)

    def take(self, holder: str, names: Sequence[str], remembered: Mapping[str, int]) -> dict[str, int]:
        """Free ports that nobody else holds, those of before where it can be.

        Each home and holder begins at ports of its own: homes that start at the same moment do not see each other's.
        """
        usual = {name: self._own(holder, name) for name in names}
        with self._lock:
            others = {port for name, held in self._held.items() if name != holder for port in held.values()}
            self._held[holder] = ports.choose(usual, remembered, lambda port: port not in others)
            return self._held[holder]

    def _own(self, holder: str, name: str) -> int:
        digest = hashlib.sha256(f"{self._home}\n{holder}\n{name}".encode()).digest()
        return ports.FREE_RANGE[int.from_bytes(digest[:4]) % len(ports.FREE_RANGE)]

    def release(self, holder: str) -> None:
        """Give back what a holder had."""
        with self._lock:
            self._held.pop(holder, None)
