"""The HTTP server of one process, from its first connection to the end of its last."""

from __future__ import annotations

import asyncio
import resource
import signal
from collections.abc import Callable
from socket import socket
from time import perf_counter

from serving.predictor.http.admission import Admission, BatchHandler
from serving.predictor.http.bounds import Bounds
from serving.predictor.http.connection import Connection
from serving.predictor.http.known import KnownHeads
from serving.predictor.http.message import Handler
from serving.predictor.http.tally import Tally
from serving.predictor.http.wire import Heads

BACKLOG = 2048
"""Connections that the kernel keeps until they are accepted; it takes the least of this and net.core.somaxconn."""
OTHER_FILES = 256
"""Open files of the process besides its connections."""


class Server:
    """Serves a handler: `await start(listen)`, then `await drain(seconds)`."""

    def __init__(
        self,
        handler: Handler,
        bounds: Bounds | None = None,
        batch: BatchHandler | None = None,
        commit: Callable[[], None] = lambda: None,
    ) -> None:
        """`commit` is called before answers are sent."""
        self.bounds = bounds or Bounds()
        self.heads = Heads()
        self.known = KnownHeads()
        self.tally = Tally()
        self._draining = False
        self._hurried = False
        self._connections: set[Connection] = set()
        self.admission = Admission(handler, self.bounds, self.tally, batch, commit, self._connections.__len__)
        self._loop: asyncio.AbstractEventLoop
        self._listening: asyncio.Server
        self._timer: asyncio.TimerHandle

    @property
    def draining(self) -> bool:
        """Whether the end has begun: this process is not ready for new clients."""
        return self._draining

    @property
    def open_connections(self) -> int:
        """How many there are now."""
        return len(self._connections)

    async def start(self, listen: socket) -> None:
        """Accept connections on a bound socket, which is this server's from now on."""
        _allow_files(self.bounds.max_connections + OTHER_FILES)
        self._loop = asyncio.get_running_loop()
        self.admission.start(self._loop)
        self._listening = await self._loop.create_server(lambda: Connection(self), sock=listen, backlog=BACKLOG)
        self._tick()

    async def drain(self, grace_seconds: float) -> None:
        """End without losing a request: serve on, telling clients to leave, until none of them asks for anything.

        Who does not learn of the end goes on asking: after the grace it ends all the same.
        """
        self._draining = True
        now = used = perf_counter()
        limit, queued = now + grace_seconds, self.tally.queued
        while now < min(limit, used + self.bounds.quiet_seconds) and not self._hurried:
            await asyncio.sleep(self.bounds.tick_seconds)
            now = perf_counter()
            if queued != self.tally.queued or any(connection.unfinished for connection in self._connections):
                queued, used = self.tally.queued, now
        await self._finish()

    def hurry(self) -> None:
        """End a drain that is under way now."""
        self._hurried = True

    async def _finish(self) -> None:
        self._listening.close()
        for connection in tuple(self._connections):
            connection.shut()
        deadline = perf_counter() + self.bounds.linger_seconds
        while self._connections and perf_counter() < deadline:  # noqa: ASYNC110 - a moment, once a process
            await asyncio.sleep(min(0.01, self.bounds.tick_seconds))
        self._timer.cancel()
        self.admission.cancel()
        for connection in tuple(self._connections):
            connection.cut()
        await asyncio.sleep(0)

    def opened(self, connection: Connection) -> bool:
        """Count a connection in. Whether there was a place for it."""
        self._connections.add(connection)
        self.tally.connections += 1
        return len(self._connections) <= self.bounds.max_connections

    def lost(self, connection: Connection) -> None:
        """Count it out."""
        self._connections.discard(connection)

    def _tick(self) -> None:
        self._timer = self._loop.call_later(self.bounds.tick_seconds, self._tick)
        now = perf_counter()
        self.heads.tick()
        self.admission.tick()
        for connection in tuple(self._connections):
            if connection.expires < now:
                connection.expire(now)


async def serve(server: Server, listen: socket, grace_seconds: float) -> None:
    """Serve until SIGTERM, SIGINT or SIGQUIT, then drain. A second signal ends the drain."""
    asked = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT):
        loop.add_signal_handler(number, lambda: server.hurry() if asked.is_set() else asked.set())
    await server.start(listen)
    await asked.wait()
    await server.drain(grace_seconds)


def _allow_files(count: int) -> None:
    """Have the process hold so many files open, if it may: many systems let it begin with fewer."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = count if hard == resource.RLIM_INFINITY else min(count, hard)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
