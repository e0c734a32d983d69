"""One HTTP request and its answer, as the connections and the routes exchange them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass


@dataclass(slots=True)
class Request:
    """A complete request."""

    method: str
    path: str
    """As it was sent, without the query."""
    headers: Mapping[str, str]
    """Names in lower case. Of a name that is there more than once, the last."""
    body: bytes
    received: float
    """time.perf_counter() when its last byte was here."""
    deadline: float | None = None
    """time.perf_counter() after which nobody waits for the answer."""


@dataclass(slots=True)
class Response:
    """An answer. The connection adds content-length, and `connection: close` where it ends."""

    status: int
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()


Handler = Callable[[Request], Response | Awaitable[Response]]
"""Answers a request: at once, or by something to wait for where the work leaves the event loop. It never raises."""
