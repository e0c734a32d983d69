"""Requests that were read and are not answered: bounded, handled in turn, refused if they are too many or too late."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from time import perf_counter

from serving.predictor.http.bounds import Bounds
from serving.predictor.http.later import Guest, Later
from serving.predictor.http.message import Handler, Request, Response
from serving.predictor.http.refusals import BUSY, EXPIRED, FAILED
from serving.predictor.http.tally import Tally

BatchHandler = Callable[[Sequence[Request]], Sequence[Response | Awaitable[Response]]]
"""Answers requests that were waiting together, in their order. It never raises."""
MAX_BATCH = 64
"""Requests a BatchHandler gets at once."""
MAX_GATHERED = 8
"""When so many requests wait, no more are looked for."""
_TURN_SECONDS, _LONG_TURN_SECONDS = 0.0005, 0.008
"""So long are requests handled before new ones are read; the second where a MAX_BATCH waits, for which it is nothing.
What is done many times in a row costs less.
"""
_MAX_ACCEPTED = 64
"""Connections that are accepted between two turns. The loop accepts one, and looks for more when it comes round."""
_logger = logging.getLogger(__name__)


class Admission:
    """The queue of one process, used by its event loop only.

    What is no POST costs next to nothing and may be a probe: it is not counted, and goes first.
    """

    def __init__(
        self,
        handler: Handler,
        bounds: Bounds,
        tally: Tally,
        batch: BatchHandler | None,
        commit: Callable[[], None],
        clients: Callable[[], int],
    ) -> None:
        """`commit` is called before answers are sent, once a turn; `clients` tells how many there are."""
        self._loop: asyncio.AbstractEventLoop
        self._handler = handler
        self._batch = batch
        self._commit = commit
        self._clients = clients
        self._bounds = bounds
        self._tally = tally
        self._later = Later(bounds.awaited_at_once, tally, self._late, self._settle)
        self._queue: deque[tuple[Guest, Request]] = deque()
        self._first: deque[tuple[Guest, Request]] = deque()
        self._resting: deque[tuple[float, Guest]] = deque()
        self._rested = 0.0  # when who is refused now will have rested
        self._count = 0
        self._bytes = 0
        self._scheduled = False
        self._is_turn = False
        self._answers: list[tuple[Guest, Request, Response]] = []

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Learn where to run."""
        self._loop = loop

    @property
    def full(self) -> bool:
        """Whether one more request would be refused."""
        return self._count >= self._bounds.max_queued or self._bytes >= self._bounds.max_held_bytes

    @property
    def waiting(self) -> int:
        """Requests that are in the queue or under way."""
        return self._count

    @property
    def held_bytes(self) -> int:
        """Bodies that are coming in or wait, and answers that are not taken."""
        return self._bytes

    @property
    def idle(self) -> bool:
        """Whether nothing is waiting or under way."""
        return not (self._count or self._first)

    def offer(self, guest: Guest, request: Request) -> bool:
        """Queue a request, unless the queue is full. Its answer comes by `answer`."""
        if request.method != "POST":
            self._first.append((guest, request))
        elif self._count < self._bounds.max_queued and self._fits(len(request.body)):
            self._queue.append((guest, request))
            self._count += 1
            self._tally.queued += 1
            self._bytes += len(request.body)
        else:
            self._tally.busy += 1
            return False
        if not self._scheduled:
            self._scheduled = True
            self._loop.call_soon(self._gather)
        return True

    def _gather(self) -> None:
        """Look once more for what others ask, if others are there: together requests cost less than one by one."""
        if len(self._queue) < min(self._clients(), MAX_GATHERED):
            self._loop.call_soon(self._turn)
        else:
            self._turn()

    def hold(self, size: int) -> bool:
        """Count bytes in or out that a client makes the server keep. Whether they are within the bound."""
        self._bytes += size
        return self._fits(0)

    def rest(self, guest: Guest, begun: float) -> None:
        """Wake a client whose refusal was begun at a time when there is room again, or when another may be refused.

        Refusing costs time that serving needs.
        """
        now = perf_counter()
        self._rested = max(now, self._rested) + (now - begun) / self._bounds.refusing_share
        self._resting.append((self._rested, guest))

    def tick(self) -> None:
        """To be called now and then: wakes who rested long enough, or has room again."""
        resting = self._resting
        for _ in range(min(len(resting), self._bounds.max_queued // 2 - self._count)):
            resting.popleft()[1].wake()  # to fill the half of the queue that is empty
        now = perf_counter()
        while resting and resting[0][0] <= now:
            resting.popleft()[1].wake()

    def cancel(self) -> None:
        """Wait for no answer any more."""
        self._later.cancel()

    def _fits(self, size: int) -> bool:
        return self._bytes + size <= self._bounds.max_held_bytes

    def _turn(self) -> None:
        """Handle what waits, for a while. Whatever happens to one request, the next has its turn."""
        self._is_turn = True
        try:
            if self._first:
                self._handle_first()
            until = perf_counter() + (_TURN_SECONDS if len(self._queue) < MAX_BATCH else _LONG_TURN_SECONDS)
            step = self._one if self._batch is None else self._some
            while self._queue and step() < until:
                pass
        finally:
            self._is_turn = False
            self._send()
            self.tick()
            self._scheduled = bool(self._queue or self._first)
            if self._scheduled:
                self._loop.call_soon(self._go_round, self._tally.connections, 1)

    def _handle_first(self) -> None:
        while self._first:
            self._handle(*self._first.popleft())
        self._send()

    def _go_round(self, connections: int, times: int) -> None:
        """Have the next turn when nobody comes any more."""
        comers = self._tally.connections - connections
        if comers and times < _MAX_ACCEPTED:
            self._loop.call_soon(self._go_round, connections + comers, times + 1)
        else:
            self._turn()

    def _one(self) -> float:
        """Handle the request that waited longest. The time when that was begun."""
        guest, request = self._queue.popleft()
        now = perf_counter()
        late = self._late(guest, request, now)
        if late is None:
            self._handle(guest, request)
        else:
            self._settle(guest, request, late)
        return now

    def _some(self) -> float:
        """Handle those that waited longest, together. The time when that was begun."""
        now = perf_counter()
        fresh: list[tuple[Guest, Request]] = []
        while self._queue and len(fresh) < MAX_BATCH:
            guest, request = self._queue.popleft()
            late = self._late(guest, request, now)
            if late is None:
                fresh.append((guest, request))
            else:
                self._settle(guest, request, late)
        for (guest, request), answer in zip(fresh, self._answers_of(fresh), strict=True):
            self._pass_on(guest, request, answer)
        return now

    def _answers_of(self, fresh: Sequence[tuple[Guest, Request]]) -> Sequence[Response | Awaitable[Response]]:
        if self._batch is None or not fresh:
            return []
        try:
            return self._batch([request for _, request in fresh])
        except Exception:  # the edge of the process: these requests fail, not the server
            self._tally.failed += len(fresh)
            _logger.exception("%d requests failed", len(fresh))
            return [FAILED] * len(fresh)

    def _handle(self, guest: Guest, request: Request) -> None:
        answer: Response | Awaitable[Response]
        try:
            answer = self._handler(request)
        except Exception:  # the edge of the process: one request fails, not the server
            self._tally.failed += 1
            _logger.exception("%s %s failed", request.method, request.path)
            answer = FAILED
        self._pass_on(guest, request, answer)

    def _pass_on(self, guest: Guest, request: Request, answer: Response | Awaitable[Response]) -> None:
        if isinstance(answer, Response):
            self._settle(guest, request, answer)
        elif request.method == "POST":
            self._later.add(guest, request, answer)
        else:
            self._later.start(guest, request, answer)

    def _settle(self, guest: Guest, request: Request, answer: Response) -> None:
        """A request is done. Its client gets the answer with the others of this turn, if it is still there."""
        if request.method == "POST":
            self._count -= 1
            self._bytes -= len(request.body)
        self._answers.append((guest, request, answer))
        if not self._is_turn:
            self._send()

    def _send(self) -> None:
        self._commit()
        answers, self._answers = self._answers, []
        for guest, request, answer in answers:
            if guest.request is request:
                guest.answer(answer)

    def _late(self, guest: Guest, request: Request, now: float) -> Response | None:
        """The answer to a request that is not worth handling any more."""
        if request.deadline is not None and now > request.deadline:
            self._tally.expired += 1
            return EXPIRED
        if now - request.received > self._bounds.queue_seconds:
            self._tally.busy += 1
            return BUSY
        return EXPIRED if guest.request is not request else None  # nobody is there to see it
