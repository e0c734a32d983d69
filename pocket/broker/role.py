"""The ingress and the dispatcher as processes: each follows the file of routes and answers on a port of its own."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import aiohttp
from aiohttp import web
from nats.js import JetStreamContext

from contracts.cloudevent import MAX_EVENT_BYTES
from contracts.errors import ConfigError
from pocket.broker import stream
from pocket.broker.dispatcher import Dispatcher, purge_for_ever
from pocket.broker.ingress import Ingress
from pocket.broker.routes import Routes, read
from pocket.broker.service import INGRESS

LOOK_SECONDS = 0.5
"""How often the file of routes is looked at."""

_log = logging.getLogger(__name__)


def run(role: str, home: Path, config: Path, http_port: int, nats_port: int) -> None:
    """Be one of the roles until SIGTERM."""
    with suppress(asyncio.CancelledError):  # how SIGTERM ends it
        asyncio.run(_serve(role, home, config, http_port, nats_port))


class Follower:
    """Reads a file of routes when `again` is set and when the file has changed, and hands them to `route`."""

    def __init__(self, path: Path, route: Callable[[Routes], Awaitable[None]], again: asyncio.Event) -> None:
        self.path = path
        self.route = route
        self.again = again
        self.routes: Routes | None = None
        """Those in force."""
        self._seen: object = None

    async def run(self) -> None:
        """Follow for ever. A file that is wrong changes nothing, and is told in the log."""
        while True:
            if self.again.is_set() or self._stamp() != self._seen:
                self.again.clear()
                self._seen = self._stamp()
                await self._apply()
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_SECONDS):
                    await self.again.wait()

    async def health(self, request: web.Request) -> web.Response:
        """200 once routes are in force."""
        return web.Response(status=200 if self.routes else 503)

    async def _apply(self) -> None:
        try:
            routes = read(self.path)
            await self.route(routes)
            self.routes = routes
            _log.info("routes: %d brokers, %d triggers", len(routes.brokers), len(routes.triggers))
        except ConfigError as error:
            _log.error("the routes stay as they are: %s", error)
        except (stream.NatsError, TimeoutError) as error:
            _log.warning("the routes are not in the stream yet: %r", error)
            self._seen = None

    def _stamp(self) -> object:
        try:
            found = self.path.stat()
        except OSError:
            return ()
        return found.st_mtime_ns, found.st_size, found.st_ino


async def _serve(role: str, home: Path, config: Path, http_port: int, nats_port: int) -> None:
    again, loop = asyncio.Event(), asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGHUP, again.set)
    loop.add_signal_handler(signal.SIGTERM, _this_task().cancel)
    client = await stream.connect(home, nats_port, role, on_return=again.set, on_end=_this_task().cancel)
    try:
        await (_take if role == INGRESS else _dispatch)(client.jetstream(), config, again, http_port)
    finally:
        await client.close()


async def _take(jetstream: JetStreamContext, config: Path, again: asyncio.Event, port: int) -> None:
    ingress = Ingress(jetstream)
    follower = Follower(config, ingress.route, again)
    async with _listening(port, web.get("/healthz", follower.health), web.post("/{namespace}/{broker}", ingress.take)):
        await follower.run()


async def _dispatch(jetstream: JetStreamContext, config: Path, again: asyncio.Event, port: int) -> None:
    connector = aiohttp.TCPConnector(limit=0)  # each Trigger has a limit of its own
    async with aiohttp.ClientSession(connector=connector) as session, asyncio.TaskGroup() as tasks:
        follower = Follower(config, Dispatcher(jetstream, session, tasks).route, again)
        tasks.create_task(purge_for_ever(jetstream, lambda: follower.routes))
        async with _listening(port, web.get("/healthz", follower.health)):
            await follower.run()


@asynccontextmanager
async def _listening(port: int, *routes: web.RouteDef) -> AsyncIterator[None]:
    app = web.Application(client_max_size=MAX_EVENT_BYTES)
    app.add_routes(routes)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=2)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port).start()
        yield
    finally:
        await runner.cleanup()  # what was asked is answered


def _this_task() -> asyncio.Task[None]:
    task = asyncio.current_task()
    assert task is not None  # noqa: S101  a coroutine runs in a task
    return task
