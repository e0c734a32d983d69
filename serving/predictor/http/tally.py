"""What the connections count: plain numbers, since they are counted with every request."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Tally:
    """Of one process, from its start."""

    connections: int = 0
    """Accepted."""
    queued: int = 0
    """POST requests taken into the queue."""
    busy: int = 0
    """Refused with 503: the queue was full, the request waited too long in it, or there were too many connections."""
    expired: int = 0
    """Refused with 504: the client's own time had passed."""
    bad: int = 0
    """Refused before they were whole: what no parser reads, what is too large or too slow."""
    cut: int = 0
    """Connections ended because the client did not read its answer, or did not stop sending."""
    failed: int = 0
    """Requests at which the handler raised."""
