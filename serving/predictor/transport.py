"""Counts what the connections did, for /metrics: they count in plain numbers, which are looked at once a second."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from prometheus_client import Counter, Gauge

from serving.predictor import metrics
from serving.predictor.http.server import Server
from serving.predictor.registry import REGISTRY

EVERY_SECONDS = 1.0
CONNECTIONS = Counter("predictor_connections", "HTTP connections that were made", registry=REGISTRY)
OPEN = Gauge("predictor_open_connections", "HTTP connections", multiprocess_mode="livesum", registry=REGISTRY)
WAITING = Gauge(
    "predictor_waiting_requests", "Requests in the queue or under way", multiprocess_mode="livesum", registry=REGISTRY
)
REFUSED = Counter(
    "predictor_refused", "HTTP requests and connections that never came to the model", ["reason"], registry=REGISTRY
)
REASONS = ("busy", "expired", "bad", "cut")


@asynccontextmanager
async def counting(server: Server) -> AsyncIterator[None]:
    """Count a server's traffic meanwhile."""
    look = _Look(server)
    task = asyncio.create_task(look.often())
    try:
        yield
    finally:
        task.cancel()
        look()


class _Look:
    def __init__(self, server: Server) -> None:
        self._server = server
        self._seen = dict.fromkeys(REASONS, 0)
        self._connections = 0

    async def often(self) -> None:
        while True:
            self()
            await asyncio.sleep(EVERY_SECONDS)

    def __call__(self) -> None:
        metrics.tell()  # other workers are asked for it, too
        tally = self._server.tally
        CONNECTIONS.inc(tally.connections - self._connections)
        self._connections = tally.connections
        OPEN.set(self._server.open_connections)
        WAITING.set(self._server.admission.waiting)
        for reason in REASONS:
            now: int = getattr(tally, reason)
            REFUSED.labels(reason).inc(now - self._seen[reason])
            self._seen[reason] = now
