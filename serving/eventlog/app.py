"""The event log as a service: POST / takes events, of rows, labels and decisions; POST /dead takes dead letters."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from contracts.cloudevent import CloudEvent
from contracts.errors import DataError, DriftloopError, UnavailableError
from contracts.objects import ObjectStore
from contracts.settings import Settings
from serving import receiver
from serving.eventlog import decisions, stock
from serving.eventlog.announcer import Announcer
from serving.eventlog.dead import bury, is_late, original
from serving.eventlog.entry import Entry, of, read
from serving.eventlog.flush import Flush
from serving.eventlog.gather import Gather
from serving.eventlog.keeper import Keeper
from serving.eventlog.metrics import Metrics
from serving.eventlog.policy import Policies
from serving.eventlog.rebuild import rebuild

WRITERS = 8
"""Objects written at once."""
PAUSE_SECONDS = 1.0
_log = logging.getLogger(__name__)


class Service:
    """The parts of one process, wired."""

    def __init__(self, settings: Settings) -> None:
        self.store, self.bucket = ObjectStore(settings), settings.data_bucket
        self.metrics = Metrics()
        policies = Policies(settings, self.store)
        self.writers = ThreadPoolExecutor(WRITERS, "writer")
        self.announcer = Announcer(self.store, self.bucket, policies, settings.sink, self.metrics)
        self.keeper = Keeper(self.store, self.bucket, policies, self.announcer.add, self.metrics)
        self.gather = Gather(Flush(self.store, self.bucket, self.writers), self.keeper.learn, self.metrics)
        self.ready = False

    async def handle(self, event: CloudEvent) -> None:
        """Store the rows of an event, or a decision. UnavailableError while it is not known what is on S3."""
        if event["type"] in decisions.TYPES:
            await asyncio.to_thread(decisions.keep, self.store, self.bucket, event, datetime.now(UTC))
            self.metrics.events.labels("decision").inc()
            return
        try:
            if not self.ready:
                raise UnavailableError("The event log is starting.", "Send it again in a second.")
            entry = await self._entry(event)
            if entry:
                await self.gather.add(entry)
        except DriftloopError as error:
            self.metrics.events.labels("refused" if isinstance(error, DataError) else "failed").inc()
            raise
        self.metrics.events.labels("stored").inc()

    async def _entry(self, event: CloudEvent) -> Entry | None:
        """None of a stock logger's event that makes no rows yet."""
        if event["type"] not in stock.OTHER:
            return read(event)
        rows = await asyncio.to_thread(stock.keep, self.store, self.bucket, event, datetime.now(UTC))
        return of(event, rows) if rows else None

    async def bury(self, event: CloudEvent) -> None:
        """Store a dead letter; its rows, if it is only late and holds some."""
        if is_late(event):
            with suppress(DataError):
                await self.handle(original(event))
                return
        await asyncio.to_thread(bury, self.store, self.bucket, event, datetime.now(UTC))
        self.metrics.events.labels("dead").inc()

    @asynccontextmanager
    async def lifespan(self, _: Starlette) -> AsyncIterator[None]:
        """Work from start to end. Requests under way at the end are answered before."""
        tasks = [asyncio.create_task(self._work()), asyncio.create_task(self.announcer.run())]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self.writers.shutdown()

    async def readyz(self, _: Request) -> Response:
        """200 once what is on S3 is known."""
        return PlainTextResponse("ok\n" if self.ready else "reading what is on S3\n", 200 if self.ready else 503)

    async def exposed(self, _: Request) -> Response:
        """Prometheus' scrape."""
        return Response(self.metrics.exposed(), media_type=self.metrics.content_type)

    async def _work(self) -> None:
        while not self.ready:
            try:
                await asyncio.to_thread(rebuild, self.keeper)
                self.ready = True
                _log.info("the event log is ready")
            except DriftloopError as error:
                _log.warning("what is on S3 is not known yet: %s", error)
                await asyncio.sleep(PAUSE_SECONDS)
            except Exception:  # noqa: BLE001 - the edge of a task: without it nothing would ever be stored
                _log.exception("what is on S3 is not known yet")
                await asyncio.sleep(PAUSE_SECONDS)
        await self.gather.run()


def build(settings: Settings) -> Starlette:
    """The service as an ASGI application."""
    service = Service(settings)
    routes = [
        receiver.door("/dead", service.bury, "eventlog"),
        Route("/readyz", service.readyz),
        Route("/metrics", service.exposed),
    ]
    return receiver.application(service.handle, "eventlog", service.lifespan, routes)
