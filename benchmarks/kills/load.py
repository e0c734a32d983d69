"""Constant load: rows to the predictor and, later, their labels to the Broker, each until it is accepted.

Both may be sent again without harm: a row counts once by its id, an event once by its own.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import httpx

from contracts.events import Label, to_event
from contracts.settings import Settings
from kills.rows import Request
from kills.small_loop import LOOP
from kills.tally import Tally

CLIENTS = 32
"""Requests under way at once; where all wait, the load waits with them."""
ATTEMPT_SECONDS = 45.0
"""Envoy waits some thirty for a process that is being started again."""
PAUSE_SECONDS = 0.25
PATIENCE_SECONDS = 240.0
"""Then a client gives up, which is a promise that did not hold."""
LABEL_DELAY_SECONDS = 3.0
_RETRIED = (404, 408, 409, 429)
SOURCE = "/driftloop/benchmarks/kills"


@dataclass(frozen=True)
class Refused(Exception):  # noqa: N818 - it is no error: it is counted, and sent again
    """An attempt that failed."""

    why: str
    for_good: bool = False


class Load:
    """A thread that sends. Use as a context: at its end everything that was begun has been accepted or given up."""

    def __init__(self, requests: Iterator[Request], rate: float, settings: Settings) -> None:
        self.tally = Tally()
        self.settings = settings
        """Replaced when addresses may have changed."""
        self._requests, self._rate = requests, rate
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._work, name="load", daemon=True)
        self._failure: BaseException | None = None

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()
        if self._failure:
            raise self._failure

    def _work(self) -> None:
        try:
            asyncio.run(self._run())
        except BaseException as error:  # noqa: BLE001 - raised where the load is ended
            self._failure = error

    async def _run(self) -> None:
        slots = asyncio.Semaphore(CLIENTS)
        async with httpx.AsyncClient(timeout=ATTEMPT_SECONDS, trust_env=False) as client, asyncio.TaskGroup() as tasks:
            due = time.monotonic()
            while not self._ended.is_set():
                await slots.acquire()
                request = next(self._requests)
                tasks.create_task(self._one(client, request, slots))
                due = max(due + len(request.row_ids) / self._rate, time.monotonic() - 1)  # no flood after a wait
                await asyncio.sleep(max(0.0, due - time.monotonic()))

    async def _one(self, client: httpx.AsyncClient, request: Request, slots: asyncio.Semaphore) -> None:
        self.tally.attempted.update(request.row_ids)
        begun = time.monotonic()
        try:
            accepted = await self._insist(lambda: self._ask(client, request), "refused")
        finally:
            slots.release()
        if not accepted:
            return
        self.tally.rows.update(request.row_ids)
        felt = self.tally.current
        felt.requests += 1
        felt.slowest_seconds = max(felt.slowest_seconds, time.monotonic() - begun)
        if request.label is not None:
            await self._tell_later(client, request.label)

    async def _tell_later(self, client: httpx.AsyncClient, label: Label) -> None:
        await asyncio.sleep(LABEL_DELAY_SECONDS)
        headers, body = to_event(label, SOURCE).to_binary()
        if await self._insist(lambda: _post(client, str(self.settings.sink), body, headers), "events_refused"):
            self.tally.labels.update(label.row_ids)

    async def _insist(self, attempt: Callable[[], Awaitable[None]], counter: str) -> bool:
        """Try until it is accepted; False if it is refused for good, or for too long."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                await attempt()
            except Refused as refused:
                felt = self.tally.current
                setattr(felt, counter, getattr(felt, counter) + 1)
                felt.why[refused.why] += 1
                if refused.for_good or time.monotonic() > deadline:
                    self.tally.given_up.append(refused.why)
                    return False
                await asyncio.sleep(PAUSE_SECONDS)
            else:
                return True

    async def _ask(self, client: httpx.AsyncClient, request: Request) -> None:
        url = f"{self.settings.predictor_url}/v2/models/{LOOP}/infer"
        await _post(client, url, request.body, {"content-type": "application/json"})


async def _post(client: httpx.AsyncClient, url: str, body: bytes, headers: dict[str, str]) -> None:
    try:
        answer = await client.post(url, content=body, headers=headers)
    except httpx.HTTPError as error:
        raise Refused(type(error).__name__) from error
    if not answer.is_success:
        for_good = answer.status_code < 500 and answer.status_code not in _RETRIED
        raise Refused(f"{answer.status_code}: {answer.text.strip()[:80]}", for_good)
