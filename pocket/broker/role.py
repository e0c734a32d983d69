"""The ingress and the dispatcher as processes: each follows the file of routes and answers on a port of its own."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import aiohttp
from aiohttp import web

from contracts.cloudevent import MAX_EVENT_BYTES
from contracts.errors import ConfigError
from pocket.broker import stream
from pocket.broker.dispatcher import Dispatcher, purge_for_ever
from pocket.broker.ingress import Ingress
from pocket.broker.routes import Routes, read

INGRESS, DISPATCHER = "ingress", "dispatcher"
ROLES = (INGRESS, DISPATCHER)
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
    again = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, again.set)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, _this_task().cancel)
    client = await stream.connect(home, nats_port, role, on_return=again.set)
    app = web.Application(client_max_size=MAX_EVENT_BYTES)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session, asyncio.TaskGroup() as tasks:
        if role == INGRESS:
            ingress = Ingress(client.jetstream())
            app.router.add_post("/{namespace}/{broker}", ingress.take)
            follower = Follower(config, ingress.route, again)
        else:
            dispatcher = Dispatcher(client.jetstream(), session, tasks)
            follower = Follower(config, dispatcher.route, again)
            tasks.create_task(purge_for_ever(client.jetstream(), lambda: follower.routes))
        app.router.add_get("/healthz", follower.health)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=2)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", http_port).start()
        try:
            await follower.run()
        finally:
            await runner.cleanup()  # answers what was asked
            await client.close()


def _this_task() -> asyncio.Task[None]:
    task = asyncio.current_task()
    assert task is not None  # noqa: S101  a coroutine runs in a task
    return task
