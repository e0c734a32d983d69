"""The gRPC server: a listening socket, its connections, and their end."""

from __future__ import annotations

import asyncio
import socket
import time

from contracts.errors import ConfigError
from serving.predictor.address import written
from serving.predictor.batches import Batches
from serving.predictor.grpc.bounds import Bounds, Traffic
from serving.predictor.grpc.codes import Code
from serving.predictor.grpc.connection import Connection
from serving.predictor.grpc.host import Host, Observer
from serving.predictor.grpc.service import Service
from serving.predictor.inference import Inference
from serving.predictor.readiness import Readiness

_SWEEP_SECONDS = 1.0
_BACKLOG = 1024
_LOOK_SECONDS = 0.05
_ROUND_TRIP_SECONDS = 1.0
"""A client that has not answered a ping by then is told to go without. One that came while the server ended is asked to
leave after so long: asked at once, it would come again before its first call.
"""


def _unobserved(path: str, code: Code, seconds: float) -> None:
    """Nobody counts."""


class GrpcServer:
    """Serves the data plane on a bound socket, which no other server shares unless it was made so.

    Calls of one connection that come together are predicted together, up to `batch_rows` rows; 0: each alone.
    """

    def __init__(
        self,
        inference: Inference,
        listen: socket.socket,
        bounds: Bounds,
        readiness: Readiness,
        observe: Observer = _unobserved,
        batch_rows: int = 0,
    ) -> None:
        self._listen = listen
        batches = Batches(inference, batch_rows) if batch_rows else None
        self._host = Host(Service(inference, readiness), bounds, Traffic(bounds), observe, batches)
        self._connections: set[Connection] = set()
        self._newest = 0.0  # when the newest of them was made

    async def start(self) -> None:
        """Begin to serve. ConfigError if somebody else listens on the address by now."""
        loop = asyncio.get_running_loop()
        try:
            self._listen.listen(_BACKLOG)  # uvloop would listen without a word of an address that is taken
            self._server = await loop.create_server(self._connection, sock=self._listen, backlog=_BACKLOG)
        except OSError as error:
            address = written(*self._listen.getsockname()[:2])
            raise ConfigError(f"gRPC cannot listen on {address}: {error}.", "Give another --grpc-port.") from error
        self._sweeping = loop.call_later(_SWEEP_SECONDS, self._sweep)

    async def drain(self, grace_seconds: float) -> None:
        """End without losing a call: serve on, telling clients to leave, until none comes any more.

        Who does not learn of the end goes on coming: after the grace it ends all the same, and what is late is
        UNAVAILABLE.
        """
        self._newest = now = time.perf_counter()
        deadline = now + grace_seconds
        for connection in list(self._connections):
            connection.begin_goodbye()
        while now < deadline and (self._connections or now < self._newest + self._host.bounds.quiet_seconds):
            await asyncio.sleep(min(_LOOK_SECONDS, deadline - now))
            now = time.perf_counter()
            for connection in list(self._connections):
                connection.usher_out(now - _ROUND_TRIP_SECONDS)
        self._server.close()
        for connection in list(self._connections):
            connection.end()
        if self._connections:
            await asyncio.wait([connection.closed for connection in self._connections], timeout=_ROUND_TRIP_SECONDS)
        self._sweeping.cancel()

    def _connection(self) -> Connection:
        self._newest = time.perf_counter()
        return Connection(self._host, self._connections)

    def _sweep(self) -> None:
        now = time.perf_counter()
        for connection in list(self._connections):
            connection.sweep(now)
        self._sweeping = asyncio.get_running_loop().call_later(_SWEEP_SECONDS, self._sweep)
