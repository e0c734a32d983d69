"""Constant traffic from a thread of its own, while something else is done."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterable
from types import TracebackType
from typing import Self

from contracts.settings import Settings
from pocket.progress import Progress, Step
from scripts.predictor_address import predictor_of
from scripts.replay.sender import Sender, Tally
from scripts.replay.traffic import Day

CHUNK = 40
"""Requests between two looks at the clock."""


class Stream:
    """Requests at a bounded rate, labels as they become known. Use as a context; at its end the traffic ends."""

    def __init__(
        self, settings: Settings, loop: str, days: Iterable[Day], rate: float, clients: int, on_progress: Progress
    ) -> None:
        self.settings, self.loop, self.days, self.rate, self.clients = settings, loop, days, rate, clients
        self.on_progress = on_progress
        self.tally = Tally()
        self._stop = threading.Event()
        self._trouble: Exception | None = None
        self._thread = threading.Thread(target=self._run, name="traffic", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()
        if error is None:
            self.check()

    def check(self) -> None:
        """Raise what ended the traffic, if anything did."""
        if self._trouble is not None:
            raise self._trouble

    def _run(self) -> None:
        try:
            asyncio.run(self._send())
        except Exception as error:  # noqa: BLE001 - the thread's edge: it is raised where the traffic is watched
            self._trouble = error

    async def _send(self) -> None:
        async with Sender(
            predictor_of(self.settings, self.loop), self.settings.sink, self.loop, self.clients
        ) as sender:
            sender.tally = self.tally  # whoever watches has it from the start
            for day in self.days:
                self.on_progress(
                    Step("traffic", f"{self.tally.requests:,} requests, {self.tally.labels:,} labels, up to {day.date}")
                )
                for first in range(0, len(day.requests), CHUNK):
                    if self._stop.is_set():
                        return
                    due = time.monotonic() + CHUNK / self.rate
                    await sender.ask(day.requests[first : first + CHUNK])
                    await asyncio.sleep(max(0.0, due - time.monotonic()))
                await sender.tell(day.labels)
