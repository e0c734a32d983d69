"""Whether the server wants requests."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Readiness:
    """Shared by every protocol's probes. Requests that come all the same are answered as long as the process lives."""

    ready: bool = True
    """False from when the process was asked to end."""
