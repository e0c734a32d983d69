"""An open loop: requests are sent when they are due, whether or not earlier ones were answered.

A time is counted from when a request was due, so a slow server cannot hide behind a client that waits for it.
"""

from __future__ import annotations

import select
import threading
import time
from array import array
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from pressure.client import BROKEN, Client

PATIENCE_SECONDS = 1.0
"""Who finds all connections taken gives up after so long."""
GAVE_UP = -1
"""In the place of a status: never sent."""
_AFTER_SECONDS = 10.0
"""How long the last answers are awaited."""
_FULL_POLL_SECONDS = 0.001


@dataclass(frozen=True)
class Phase:
    """So many requests a second for so long."""

    rate: float
    seconds: float


@dataclass
class Outcomes:
    """A request an entry, in the order in which they ended."""

    due: array[float] = field(default_factory=lambda: array("d"))
    """Seconds since the begin."""
    took: array[float] = field(default_factory=lambda: array("d"))
    """Seconds from due to answered."""
    status: array[int] = field(default_factory=lambda: array("i"))

    def add(self, due: float, took: float, status: int) -> None:
        """Note the end of a request."""
        self.due.append(due)
        self.took.append(took)
        self.status.append(status)


class Generator:
    """Sends one request again and again, over so many connections at most."""

    def __init__(self, port: int, request: bytes, connections: int) -> None:
        self.outcomes = Outcomes()
        self.stopping = threading.Event()
        """Set, it ends the load before its phases do."""
        self._poll = select.epoll()
        self._clients: dict[int, Client] = {}
        for _ in range(connections):
            client = Client(port, request)
            self._watch(client)
        self._idle = deque(self._clients.values())
        self._late: deque[float] = deque()
        self._begun = 0.0

    def run(self, phases: Sequence[Phase]) -> Outcomes:
        """All phases one after the other, then the last answers."""
        self._begun = time.perf_counter()
        start = 0.0
        for phase in phases:
            self._phase(phase, start)
            start += phase.seconds
        until = self._now() + _AFTER_SECONDS
        while self._now() < until and (self._late or any(client.waits for client in self._clients.values())):
            self._turn(_FULL_POLL_SECONDS)
        for client in self._clients.values():
            if client.waits:
                self.outcomes.add(client.due, self._now() - client.due, BROKEN)
            client.socket.close()
        return self.outcomes

    def _phase(self, phase: Phase, start: float) -> None:
        count, sent = int(phase.rate * phase.seconds), 0
        while sent < count and not self.stopping.is_set():
            due = min(count, int((self._now() - start) * phase.rate) + 1)
            for number in range(sent, due):
                self._late.append(start + number / phase.rate)
            sent = due
            self._turn(max(0.0, start + sent / phase.rate - self._now()))

    def _turn(self, wait: float) -> None:
        """Send what is due, then read what has come until more is due."""
        now = self._now()
        while self._late and self._late[0] < now - PATIENCE_SECONDS:
            due = self._late.popleft()
            self.outcomes.add(due, now - due, GAVE_UP)
        while self._late and self._idle:
            client = self._idle.popleft()
            client.send(self._late.popleft())
            if client.is_sending:
                self._poll.modify(client.socket.fileno(), select.EPOLLIN | select.EPOLLOUT)
        for number, event in self._poll.poll(wait):
            self._handle(self._clients[number], event)

    def _handle(self, client: Client, event: int) -> None:
        if event & select.EPOLLOUT and client.is_sending:
            client.go_on_sending()
            if not client.is_sending:
                self._poll.modify(client.socket.fileno(), select.EPOLLIN)
        if not event & ~select.EPOLLOUT:
            return
        status = client.read()
        if status is None:
            return
        if client.waits:
            self.outcomes.add(client.due, self._now() - client.due, status)
            client.waits = False
            self._idle.append(client)
        if not client.is_usable():
            self._renew(client)

    def _renew(self, client: Client) -> None:
        number = client.socket.fileno()
        self._poll.unregister(number)
        del self._clients[number]
        client.renew()
        self._watch(client)

    def _watch(self, client: Client) -> None:
        self._clients[client.socket.fileno()] = client
        self._poll.register(client.socket.fileno(), select.EPOLLIN)

    def _now(self) -> float:
        return time.perf_counter() - self._begun
