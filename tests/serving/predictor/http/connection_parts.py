"""What the tests of the HTTP server share: a server in a thread, with a handler that does what its paths say."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import uvloop

from serving.predictor.http.admission import BatchHandler
from serving.predictor.http.bounds import Bounds
from serving.predictor.http.message import Request, Response
from serving.predictor.http.server import Server

POST = b"POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\nhi"
GET = b"GET /echo HTTP/1.1\r\nhost: a\r\n\r\n"


def wait_until(condition: Callable[[], bool], seconds: float = 30) -> None:
    """Poll until it holds."""
    limit = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < limit, "it never came true"
        time.sleep(0.005)


@dataclass
class Answer:
    """One answer as it was read."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        """Its body."""
        return json.loads(self.body)


class Client:
    """A raw connection."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=30)
        self._read = b""

    def send(self, data: bytes) -> Client:
        """Send these bytes as they are."""
        self.socket.sendall(data)
        return self

    def answer(self, body: bool = True) -> Answer:
        """Read one answer; its body too, unless it has none by its request."""
        while b"\r\n\r\n" not in self._read:
            self._more()
        head, _, self._read = self._read.partition(b"\r\n\r\n")
        start, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        length = int(headers.get("content-length", "0")) if body else 0
        while len(self._read) < length:
            self._more()
        content, self._read = self._read[:length], self._read[length:]
        return Answer(int(start.split()[1]), headers, content)

    def ask(self, data: bytes) -> Answer:
        """Send and read the answer."""
        return self.send(data).answer()

    def answer_to_endless(self, data: bytes) -> Answer:
        """Go on sending this, a moment apart, until there is an answer."""
        self.socket.settimeout(0.02)
        while True:
            self.send(data)
            try:
                return self.answer()
            except TimeoutError:
                continue

    def closed(self) -> bool:
        """Wait for the end. Whether nothing came before it."""
        return not self._read and self.socket.recv(65536) == b""

    def close(self) -> None:
        """Leave."""
        self.socket.close()

    def _more(self) -> None:
        data = self.socket.recv(65536)
        assert data, f"the connection ended after {self._read[:200]!r}"
        self._read += data


@dataclass
class Handling:
    """A handler: /echo tells what was asked, /held waits for `let_go`, /raise raises, /bytes/N answers N bytes."""

    handled: list[Request] = field(default_factory=list)
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    def __call__(self, request: Request) -> Response | Awaitable[Response]:
        """Answer."""
        self.handled.append(request)
        if request.path.startswith("/held"):
            return self._held(request)
        if request.path == "/raise":
            raise ValueError("raised by the handler")
        if request.path.startswith("/bytes/"):
            return Response(200, b"x" * int(request.path.rpartition("/")[2]))
        return _echo(request)

    async def _held(self, request: Request) -> Response:
        await self.gate.wait()
        if request.path == "/held/raise":
            raise ValueError("raised by the handler")
        return _echo(request)


def _echo(request: Request) -> Response:
    told = {
        "method": request.method,
        "path": request.path,
        "headers": dict(request.headers),
        "body": request.body.decode("latin-1"),
    }
    return Response(200, json.dumps(told).encode(), (("content-type", "application/json"),))


class Serving:
    """A server that runs in a thread of its own."""

    def __init__(self, bounds: Bounds, batch: BatchHandler | None) -> None:
        self.handling = Handling()
        self.server = Server(self.handling, bounds, batch)
        self.loop = uvloop.new_event_loop()
        self._listen = socket.create_server(("127.0.0.1", 0))
        self.port = self._listen.getsockname()[1]
        self._clients: list[Client] = []
        self._thread = threading.Thread(target=self.loop.run_forever)

    def begin(self) -> None:
        """Serve."""
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self.server.start(self._listen), self.loop).result(30)

    def client(self) -> Client:
        """A new connection, closed at the end."""
        self._clients.append(Client(self.port))
        return self._clients[-1]

    def let_go(self) -> None:
        """Have requests to /held answered."""
        self.loop.call_soon_threadsafe(self.handling.gate.set)

    def drain(self, grace_seconds: float = 30) -> Callable[[], None]:
        """Begin the end. What is returned waits for it."""
        future = asyncio.run_coroutine_threadsafe(self.server.drain(grace_seconds), self.loop)
        wait_until(lambda: self.server.draining)
        return lambda: future.result(60)

    def end(self) -> None:
        """Stop at once."""
        for client in self._clients:
            client.close()
        self.server.hurry()
        if self.server.draining:
            wait_until(lambda: self.server.open_connections == 0)
        else:
            self.drain(0)()
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()


@contextmanager
def serving(batch: BatchHandler | None = None, **bounds: Any) -> Iterator[Serving]:
    """A server with these bounds; what they leave out is short enough for a test."""
    running = Serving(Bounds(**{"quiet_seconds": 0.1, "linger_seconds": 0.2, **bounds}), batch)
    running.begin()
    try:
        yield running
    finally:
        running.end()
