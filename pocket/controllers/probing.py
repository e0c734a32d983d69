"""Probes of a container, asked of its process."""

from __future__ import annotations

import socket
from dataclasses import dataclass

from pocket import probe
from pocket.controllers.client import Json

_CONNECT_SECONDS = 2


@dataclass(frozen=True)
class Probe:
    """What is asked, and how often."""

    port: int
    path: str | None
    """None: whether somebody listens is enough."""
    delay_seconds: float
    period_seconds: float
    failures: int

    def passes(self) -> bool:
        """Ask once."""
        if self.path is not None:
            return (probe.status(self.port, self.path) or 500) < 400
        try:
            socket.create_connection(("127.0.0.1", self.port), _CONNECT_SECONDS).close()
        except OSError:
            return False
        return True


def of(container: Json, name: str, http_port: int) -> Probe:
    """A container's probe by its field; without one, whether its port is open. Its own port stands for any it names."""
    found = container.get(name) or {}
    asked = found.get("httpGet")
    return Probe(
        http_port,
        asked.get("path", "/") if asked else None,
        found.get("initialDelaySeconds", 0),
        max(1, found.get("periodSeconds", 10)),
        found.get("failureThreshold", 3),
    )
