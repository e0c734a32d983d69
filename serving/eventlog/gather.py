"""Group commit: entries that come together are stored together, and each is answered when it is stored."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from contracts.errors import DriftloopError, UnavailableError
from serving.eventlog.entry import Entry
from serving.eventlog.flush import Stored
from serving.eventlog.metrics import Metrics
from serving.eventlog.recent import RecentSet

LINGER_SECONDS = 0.02
"""How long the first of a batch waits for company."""
MAX_ROWS = 20_000
"""Of a batch; the rest waits for the next."""
MAX_WAITING_BYTES = 64_000_000
"""Of all events that are not answered yet; more are refused until some are."""
RECENT_EVENTS = 50_000
TICK_SECONDS = 1.0

_log = logging.getLogger(__name__)


@dataclass
class _Waiting:
    entry: Entry
    done: asyncio.Future[None] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class Gather:
    """Takes entries from many requests, and gives them to one thread."""

    def __init__(
        self,
        store: Callable[[Sequence[Entry]], list[Stored]],
        learn: Callable[[Sequence[Stored]], None],
        metrics: Metrics,
        max_waiting_bytes: int = MAX_WAITING_BYTES,
    ) -> None:
        self.store, self.learn, self.metrics, self.max_waiting_bytes = store, learn, metrics, max_waiting_bytes
        self._queue: deque[_Waiting] = deque()
        self._rows = 0
        self._bytes = 0
        self._changed = asyncio.Event()
        self._recent: RecentSet[tuple[str, str]] = RecentSet(RECENT_EVENTS)

    async def add(self, entry: Entry) -> None:
        """Return when it is stored. UnavailableError if it could not be, or too much waits already."""
        if entry.key in self._recent:
            self.metrics.duplicates.labels("events").inc()
            return
        if self._bytes + entry.bytes > self.max_waiting_bytes:
            raise UnavailableError(f"{self._bytes} bytes of events wait to be stored.", "Send it again in a second.")
        waiting = _Waiting(entry)
        self._queue.append(waiting)
        self._count(entry.table.num_rows, entry.bytes)
        self._changed.set()
        await waiting.done

    async def run(self) -> None:
        """Store batch after batch for ever. What follows from them comes after their answers."""
        while True:
            batch = await self._next()
            stored = await self._stored(batch) if batch else []
            try:
                await asyncio.to_thread(self.learn, stored)
            except Exception:  # noqa: BLE001 - the edge of a task that must not end: it is learnt from S3 again
                _log.exception("windows of %d stored tables are not cut yet", len(stored))

    async def _next(self) -> list[_Waiting]:
        """The next batch; none when nothing has come for a while."""
        try:
            await asyncio.wait_for(self._changed.wait(), TICK_SECONDS)
        except TimeoutError:
            return []
        if self._rows < MAX_ROWS:
            await asyncio.sleep(LINGER_SECONDS)
        batch, rows = [], 0
        while self._queue and rows < MAX_ROWS:
            batch.append(self._queue.popleft())
            rows += batch[-1].entry.table.num_rows
        self._rows -= rows
        if not self._queue:
            self._changed.clear()
        return batch

    async def _stored(self, batch: Sequence[_Waiting]) -> list[Stored]:
        entries = [waiting.entry for waiting in batch]
        stored: list[Stored] = []
        failure: Exception | None = None
        try:
            with self.metrics.flush_seconds.time():
                stored = await asyncio.to_thread(self.store, entries)
        except DriftloopError as error:
            failure = error
        except Exception as error:  # noqa: BLE001 - the edge of a task that must not end: its requests tell it
            failure = error
        self._answer(batch, failure)
        for each in stored:
            self.metrics.rows.labels("label" if each.version is None else "row").inc(each.table.num_rows)
        return stored

    def _answer(self, batch: Sequence[_Waiting], failure: Exception | None) -> None:
        for waiting in batch:
            self._count(0, -waiting.entry.bytes)
            if failure is None:
                self._recent.add([waiting.entry.key])
            if waiting.done.done():  # its client has gone
                continue
            if failure is None:
                waiting.done.set_result(None)
            else:
                waiting.done.set_exception(failure)

    def _count(self, rows: int, size: int) -> None:
        self._rows += rows
        self._bytes += size
        self.metrics.waiting_bytes.set(self._bytes)
