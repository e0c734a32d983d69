"""Tells of windows: each is sent to the sink until it is accepted, and S3 is told that it was."""

from __future__ import annotations

import asyncio
import logging

import aiohttp

from contracts.cloudevent import CloudEvent
from contracts.errors import DriftloopError, UnavailableError
from contracts.eventlog import EventLog, told_uri
from contracts.events import Window, to_event
from contracts.objects import ObjectStore
from serving.eventlog.metrics import Metrics
from serving.eventlog.policy import Policies

SOURCE = "/driftloop/eventlog"
TIMEOUT_SECONDS = 10
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.2, 10.0
_log = logging.getLogger(__name__)


class Announcer:
    """Windows that are to be told, in the order of their coming."""

    def __init__(self, store: ObjectStore, bucket: str, policies: Policies, sink: str | None, metrics: Metrics) -> None:
        self.store, self.bucket, self.policies, self.sink, self.metrics = store, bucket, policies, sink, metrics
        self._untold: dict[str, str] = {}
        """URI → loop. Filled by another thread, one item at a time."""

    def add(self, loop: str, uri: str) -> None:
        """A window is to be told."""
        self._untold[uri] = loop

    async def run(self) -> None:
        """Tell for ever. Nothing is told while there is no sink: it waits on S3."""
        if self.sink is None:
            _log.warning("K_SINK is not set: windows are written, but nobody is told")
            return
        pause = FIRST_PAUSE_SECONDS
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=TIMEOUT_SECONDS)) as session:
            while True:
                told = [await self._attempt(session, loop, uri) for uri, loop in list(self._untold.items())]
                pause = FIRST_PAUSE_SECONDS if all(told) else min(2 * pause, LONGEST_PAUSE_SECONDS)
                await asyncio.sleep(pause)

    async def _attempt(self, session: aiohttp.ClientSession, loop: str, uri: str) -> bool:
        try:
            event = await asyncio.to_thread(self._event, loop, uri)
            await self._send(session, event)
            await asyncio.to_thread(self.store.put, told_uri(uri), event.data)
        except DriftloopError as error:
            _log.warning("%s is not told yet: %s", uri, error)
            return False
        except Exception:  # noqa: BLE001 - the edge of a task that must not end: it is tried again
            _log.exception("%s is not told yet", uri)
            return False
        self._untold.pop(uri)
        self.metrics.windows.labels("told").inc()
        return True

    def _event(self, loop: str, uri: str) -> CloudEvent:
        window = EventLog(self.store, self.bucket, loop).window(uri)
        policy = self.policies.of(loop, window.version)
        if policy is None:
            raise UnavailableError(f"Nothing is known of loop {loop} version {window.version}.")
        data = Window(
            loop=loop,
            window=window.name,
            uri=uri,
            reference_uri=policy.reference_uri,
            model_version=window.version,
            start=window.start,
            end=window.end,
            rows=window.rows,
            labelled=window.labelled,
        )
        return to_event(data, SOURCE, window.end)

    async def _send(self, session: aiohttp.ClientSession, event: CloudEvent) -> None:
        headers, body = event.to_binary()
        try:
            async with session.post(str(self.sink), data=body, headers=headers, allow_redirects=False) as answer:
                if not 200 <= answer.status < 300:
                    words = (await answer.content.read(300)).decode(errors="replace")
                    raise UnavailableError(f"{self.sink} answered {answer.status}: {words}")
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise UnavailableError(f"{self.sink} cannot be reached: {type(error).__name__}: {error}.") from error
