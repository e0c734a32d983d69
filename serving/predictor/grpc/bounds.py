"""How much the gRPC server takes at once."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Bounds:
    """Limits of a whole server, whatever the number of its connections, but for those that say otherwise."""

    message_bytes: int
    calls: int = 512
    """Under way: from their headers to their answer."""
    waiting_bytes: int = 128 * 2**20
    """Of messages that are not complete yet. One message always has room."""
    connections: int = 1024
    connection_calls: int = 128
    """Of one connection; a client waits by itself before it opens more."""
    head_seconds: float = 10.0
    """For a client's first words."""
    body_seconds: float = 60.0
    """From a call's headers to the end of its message."""
    send_seconds: float = 30.0
    """For the client to take an answer."""
    quiet_seconds: float = 1.0
    """A server that drains ends when no client came for so long."""


class Traffic:
    """What the server has taken in at this moment."""

    def __init__(self, bounds: Bounds) -> None:
        self._bounds = bounds
        self._calls = 0
        self._bytes = 0

    def enter(self) -> bool:
        """Count a call in, if there is room for it."""
        if self._calls >= self._bounds.calls:
            return False
        self._calls += 1
        return True

    def leave(self) -> None:
        """Count a call out."""
        self._calls -= 1

    def hold(self, size: int) -> bool:
        """Count bytes in, if there is room for them."""
        if self._bytes and self._bytes + size > self._bounds.waiting_bytes:
            return False
        self._bytes += size
        return True

    def release(self, size: int) -> None:
        """Count bytes out."""
        self._bytes -= size
