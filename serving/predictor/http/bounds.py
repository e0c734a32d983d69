"""What the connections take at most: bytes, numbers and seconds. One value for all of a process."""

from __future__ import annotations

from dataclasses import dataclass

from contracts.errors import ConfigError


@dataclass(frozen=True)
class Bounds:
    """Every bound of the HTTP server. ConfigError if they contradict each other."""

    max_body_bytes: int = 32 * 2**20
    max_head_bytes: int = 32 * 2**10
    """Of names and values of one request's headers."""
    max_headers: int = 100
    max_url_bytes: int = 8 * 2**10
    max_connections: int = 4096

    max_queued: int = 512
    """Requests that were read and are not answered, health and metadata apart. One more is refused with 503."""
    max_held_bytes: int = 256 * 2**20
    """Bodies of all requests that are read or queued, and answers that clients do not take."""
    queue_seconds: float = 5.0
    """A request that waited longer is refused with 503: whoever sent it has given up, or soon will."""
    awaited_at_once: int = 2
    """Answers that are awaited at a time: one is computed while the next is made ready."""

    head_seconds: float = 10.0
    """From a request's first byte, or the connection's begin, to the end of its headers."""
    body_seconds: float = 60.0
    idle_seconds: float = 120.0
    """Between two requests of a connection."""
    send_seconds: float = 30.0
    """How long a client may leave its answer unread."""
    linger_seconds: float = 1.0
    """How long a connection that ends is still read, so that the last answer is not lost in a reset."""
    refusing_share: float = 0.1
    """Of the time, how much telling clients that there is no room may take; reading what they send comes on top. Who
    was told waits until that allows the next refusal, or until there is room: nobody comes again as fast as he is told.
    """
    quiet_seconds: float = 1.0
    """A server that drains ends its connections when nothing was asked for so long."""

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if value <= 0:
                raise ConfigError(f"{name} is {value}; expected more than 0.")
        if self.max_held_bytes < self.max_body_bytes:
            raise ConfigError(
                f"max_held_bytes is {self.max_held_bytes}, less than one body of max_body_bytes {self.max_body_bytes}."
            )

    @property
    def tick_seconds(self) -> float:
        """How often deadlines are looked at."""
        shortest = min(self.head_seconds, self.body_seconds, self.idle_seconds, self.send_seconds, self.linger_seconds)
        return max(0.01, min(0.25, shortest / 4, self.quiet_seconds / 4))
