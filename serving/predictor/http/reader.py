"""Bytes of one connection become requests, or answers to what cannot be one."""

from __future__ import annotations

import time
from collections.abc import Callable

from httptools import HttpParserCallbackError, HttpParserError, HttpParserUpgrade, HttpRequestParser

from serving.predictor.http.body import Body
from serving.predictor.http.bounds import Bounds
from serving.predictor.http.head import Head, lower, read_head
from serving.predictor.http.known import KnownHeads
from serving.predictor.http.message import Request, Response
from serving.predictor.http.refusals import RefusedError, refusal

IDLE, HEAD, BODY = range(3)
"""What a connection's next byte belongs to: a new request, the head of one that began, or its body."""
_FRAMING = ("content-length", "transfer-encoding")
_LESSONS = 32
"""New heads that one connection may make known: one that writes something new into each teaches nothing."""
_Take = Callable[[Request | Response, bool], None]


class RequestReader:
    """Reads one connection. Gives each request, or the answer to a bad one, and whether more can follow, to `take`.

    `go_ahead` is called where a client waits for it before it sends a body.
    """

    def __init__(self, bounds: Bounds, known: KnownHeads, take: _Take, go_ahead: Callable[[], None]) -> None:
        self.stage = IDLE
        self.body = Body(bounds.max_body_bytes)
        self._bounds = bounds
        self._known = known
        self._lessons = _LESSONS
        self._take = take
        self._go_ahead = go_ahead
        self._parser = HttpRequestParser(self)
        self._head = Head("", "", {}, keep_alive=False)
        self._whole: Head | None = None  # the last request's of what was fed, if it came to its end
        self._url = b""
        self._headers: dict[str, str] = {}
        self._room = self._begun = 0
        self._fruitless = 0

    def feed(self, data: bytes) -> None:
        """Take what came. After a request that ends the connection, or a bad one, it is not to be called again."""
        if self.stage != IDLE:
            self._feed(data)
            return
        known = self._known.of(data)
        if known is not None:
            self._give(*known)
            return
        self._whole = None
        self._feed(data)
        if self._lessons:
            self._learn(data)

    def _learn(self, data: bytes) -> None:
        if self._whole is not None and self._known.learn(data, self._whole):
            self._lessons -= 1

    def _feed(self, data: bytes) -> None:
        before = self._progress()
        rest = self._parse(data)
        while rest:
            rest = self._parse(rest)
        if self.stage != IDLE:
            self._check_fruit(data, before == self._progress())

    def release(self) -> None:
        """Let go of the parser, which holds this object as this holds it."""
        del self._parser

    def _parse(self, data: bytes) -> bytes:
        """What the parser left over."""
        try:
            self._parser.feed_data(data)
        except HttpParserUpgrade as upgrade:
            return data[upgrade.args[0] :] if self._ignore_upgrade() else b""
        except HttpParserCallbackError as error:
            if not isinstance(error.__context__, RefusedError):
                raise
            self._end(error.__context__.response)
        except HttpParserError as error:
            self._end(refusal(400, f"This is not HTTP/1.1: {error}."))
        return b""

    def on_message_begin(self) -> None:
        """A request begins."""
        self.stage = HEAD
        self._begun += 1
        self._whole = None
        self._url = b""
        self._headers = {}
        self._room = self._bounds.max_head_bytes

    def on_url(self, url: bytes) -> None:
        """The request's address, or a part of it."""
        self._url += url
        if len(self._url) > self._bounds.max_url_bytes:
            raise RefusedError(
                refusal(414, f"The address is too long; expected at most {self._bounds.max_url_bytes} bytes.")
            )

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header, or one field of a chunked body's trailer, which nobody looks at."""
        self._room -= len(name) + len(value)
        if self._room < 0:
            raise self._too_many_headers()
        self._headers[lower(name)] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        """The head is whole: look at it before its body is read."""
        headers, self._headers = self._headers, {}
        if len(headers) > self._bounds.max_headers:
            raise self._too_many_headers()
        self._head = read_head(self._parser, self._url, headers)
        self.stage = BODY
        if self.body.announce(headers):
            self._go_ahead()
        if self.body.refused is not None:
            self._head.length = None  # nothing to know again: it is refused each time

    def on_body(self, part: bytes) -> None:
        """A part of the body."""
        self.body.add(part)

    def on_message_complete(self) -> None:
        """The request is whole, unless it asked for another protocol: its body was not parsed then."""
        if not self._head.upgrades:
            self._complete()

    def _complete(self) -> None:
        self.stage = IDLE
        self._whole = self._head
        refused = self.body.refusal_taken()
        if refused is None:
            self._give(self._head, self.body.taken())
        else:
            self._take(refused, self._head.keep_alive)

    def _give(self, head: Head, body: bytes) -> None:
        received = time.perf_counter()
        deadline = None if head.patience is None else received + head.patience
        self._take(Request(head.method, head.path, head.headers, body, received, deadline), head.keep_alive)

    def _ignore_upgrade(self) -> bool:
        """Go on in HTTP/1.1, with a new parser: the old one has left it. Whether the body it is told of can be read."""
        asked = self._head
        asked.upgrades = False
        self._parser = HttpRequestParser(self)
        framing = [f"{name}: {asked.headers[name]}" for name in _FRAMING if asked.headers.get(name, "0").strip("0")]
        if framing:
            self._parse("\r\n".join(("POST / HTTP/1.1", "host: .", *framing, "", "")).encode("latin-1"))
            self._head = asked
            return self.stage == BODY
        self._complete()
        return True

    def _progress(self) -> tuple[int, int, int]:
        return self._begun, self._room, self.body.size

    def _check_fruit(self, data: bytes, fruitless: bool) -> None:
        """Bound what the parser itself keeps: a header that does not end, or chunks that are all extension."""
        self._fruitless = self._fruitless + len(data) if fruitless else 0
        if self._fruitless > self._bounds.max_head_bytes:
            self._end(self._too_many_headers().response)

    def _end(self, answer: Response) -> None:
        self.stage = IDLE
        self._whole = None
        self._take(answer, False)

    def _too_many_headers(self) -> RefusedError:
        most, bytes_ = self._bounds.max_headers, self._bounds.max_head_bytes
        return RefusedError(refusal(431, f"The headers are too many; expected at most {most}, and {bytes_} bytes."))
