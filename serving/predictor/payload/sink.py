"""The sink of the events: one POST, and what its answer means."""

from __future__ import annotations

import socket
import ssl
from dataclasses import dataclass
from enum import Enum
from urllib.parse import urlsplit

from httptools import HttpParserError, HttpResponseParser

from contracts.cloudevent import CloudEvent

AGAIN = frozenset({404, 408, 409, 429})
"""Statuses below 500 that Knative's senders try again. 404 among them: a Broker that is not there yet."""
_FAILURES = (OSError, HttpParserError)
_CHUNK = 2**16
_MOST_TEXT = 2**20
"""Bytes of an answer, of which only the begin is told."""


class Outcome(Enum):
    """What became of an event."""

    SENT = "sent"
    REJECTED = "rejected"
    AGAIN = "again"


@dataclass(frozen=True)
class Answer:
    """What the sink answered."""

    outcome: Outcome
    words: str
    """For the log."""


class Sink:
    """Sends events in binary mode over a connection that is kept.

    The standard library's client copies the body and reads the answer's head as if it were a mail: a fifth of a
    processor where many large events are sent.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        parts = urlsplit(url)
        self._host, self._is_secure = parts.hostname or "", parts.scheme == "https"
        self._port = parts.port or (443 if self._is_secure else 80)
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self._head = f"POST {path} HTTP/1.1\r\nhost: {parts.netloc.rpartition('@')[2]}\r\n"
        self._socket: socket.socket | None = None

    def post(self, event: CloudEvent, timeout_seconds: float) -> Answer:
        """Send an event once; twice, if the sink had closed the connection that was kept."""
        was_kept = self._socket is not None
        try:
            try:
                answer = self._post(event, timeout_seconds)
            except (BrokenPipeError, ConnectionResetError, ConnectionAbortedError):
                self.close()
                if not was_kept:
                    raise
                answer = self._post(event, timeout_seconds)
        except _FAILURES as error:
            self.close()
            return Answer(Outcome.AGAIN, f"{type(error).__name__}: {error}")
        words = f"{answer.status} {bytes(answer.text[:200]).decode('utf-8', 'replace')!r}"
        if 200 <= answer.status < 300:
            return Answer(Outcome.SENT, words)
        again = answer.status >= 500 or answer.status in AGAIN
        return Answer(Outcome.AGAIN if again else Outcome.REJECTED, words)

    def close(self) -> None:
        """Give the connection up."""
        if self._socket is not None:
            self._socket.close()
        self._socket = None

    def _post(self, event: CloudEvent, timeout_seconds: float) -> _Reading:
        headers, body = event.to_binary()
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        head = f"{self._head}content-length: {len(body)}\r\n{lines}\r\n".encode("latin-1")
        if self._socket is None:
            self._socket = self._connected(timeout_seconds)
        self._socket.settimeout(timeout_seconds)
        _send(self._socket, head, body)
        answer = _Reading()
        while not answer.is_whole:
            answer.take(self._socket.recv(_CHUNK))
        if not answer.is_kept:
            self.close()
        return answer

    def _connected(self, timeout_seconds: float) -> socket.socket:
        connection = socket.create_connection((self._host, self._port), timeout_seconds)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if not self._is_secure:
            return connection
        return ssl.create_default_context().wrap_socket(connection, server_hostname=self._host)


def _send(connection: socket.socket, head: bytes, body: bytes) -> None:
    """Both by one call, as far as may be."""
    sent = 0 if isinstance(connection, ssl.SSLSocket) else connection.sendmsg((head, body))
    if sent < len(head):
        connection.sendall(head[sent:])
    connection.sendall(memoryview(body)[max(0, sent - len(head)) :])


class _Reading:
    """An answer, as it comes in. Raises of anything else."""

    def __init__(self) -> None:
        self.status = 0
        self.text = bytearray()
        self.is_whole = False
        self.is_kept = False
        """Whether the connection stays."""
        self._parser = HttpResponseParser(self)
        self._has_head = False

    def take(self, data: bytes) -> None:
        """What came; nothing, if the sink closed the connection."""
        if data:
            self._parser.feed_data(data)
            if len(self.text) > _MOST_TEXT:
                raise OSError(f"its answer has more than {_MOST_TEXT} bytes")
        elif self._has_head:
            self.is_whole = True  # an answer without a length ends so
        else:
            raise ConnectionResetError("the sink closed the connection without an answer")

    def on_headers_complete(self) -> None:
        """Of an interim answer, too."""
        self.status = self._parser.get_status_code()
        self._has_head = self.status >= 200

    def on_body(self, part: bytes) -> None:
        """A part of the text."""
        self.text += part

    def on_message_complete(self) -> None:
        """The answer is whole, unless it is an interim one."""
        self.is_whole = self._has_head
        self.is_kept = self._parser.should_keep_alive()
