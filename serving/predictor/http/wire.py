"""Responses as bytes."""

from __future__ import annotations

import time
from email.utils import formatdate
from http import HTTPStatus

from serving.predictor.http.message import Response
from serving.predictor.http.refusals import BUSY

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_PHRASES = {status.value: status.phrase for status in HTTPStatus}


class Heads:
    """Heads of responses. What they share is written once a second, since it holds the date."""

    def __init__(self) -> None:
        self._second = 0
        self._staying: dict[int, str] = {}
        self._closing: dict[int, str] = {}
        self.busy = b""
        """All of BUSY, as most clients get it: many may have to be told."""
        self.tick()

    def tick(self) -> None:
        """Take note of the time. To be called at least once a second."""
        second = int(time.time())
        if second != self._second:
            self._second = second
            self._staying.clear()
            self._closing.clear()
            self.busy = self.of(BUSY, close=False, told=False) + BUSY.body

    def of(self, response: Response, close: bool, told: bool) -> bytes:
        """The head of a response. `told` says that the client wants to know, or must, whether the connection stays."""
        starts = self._closing if close else self._staying
        lines = f"{starts.get(response.status) or self._start(response.status, close)}{len(response.body)}\r\n"
        for name, value in response.headers:
            lines += f"{name}: {value}\r\n"
        return (lines + ("connection: keep-alive\r\n\r\n" if told and not close else "\r\n")).encode(
            "latin-1", "replace"
        )

    def _start(self, status: int, close: bool) -> str:
        lines = f"HTTP/1.1 {status} {_PHRASES.get(status, '')}\r\ndate: {formatdate(self._second, usegmt=True)}\r\n"
        lines += "connection: close\r\ncontent-length: " if close else "content-length: "
        (self._closing if close else self._staying)[status] = lines
        return lines
