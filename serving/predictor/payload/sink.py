"""The sink of the events: one POST, and what its answer means."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from urllib.parse import urlsplit

from contracts.cloudevent import CloudEvent

AGAIN = frozenset({404, 408, 409, 429})
"""Statuses below 500 that Knative's senders try again. 404 among them: a Broker that is not there yet."""
_FAILURES = (OSError, HTTPException)


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
    """Sends events in binary mode over a connection that is kept. The standard library's costs a fifth of httpx's."""

    def __init__(self, url: str) -> None:
        self.url = url
        parts = urlsplit(url)
        kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
        self._connection = kind(parts.hostname or "", parts.port)
        self._path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")

    def post(self, event: CloudEvent, timeout_seconds: float) -> Answer:
        """Send an event once; twice, if the sink had closed the connection that was kept."""
        kept = self._connection.sock is not None
        try:
            try:
                answer, text = self._post(event, timeout_seconds)
            except (BrokenPipeError, ConnectionResetError, ConnectionAbortedError):  # RemoteDisconnected is one of them
                if not kept:
                    raise
                self.close()
                answer, text = self._post(event, timeout_seconds)
        except _FAILURES as error:
            self.close()
            return Answer(Outcome.AGAIN, f"{type(error).__name__}: {error}")
        words = f"{answer.status} {text[:200].decode('utf-8', 'replace')!r}"
        if 200 <= answer.status < 300:
            return Answer(Outcome.SENT, words)
        again = answer.status >= 500 or answer.status in AGAIN
        return Answer(Outcome.AGAIN if again else Outcome.REJECTED, words)

    def close(self) -> None:
        """Give the connection up."""
        with suppress(OSError):
            self._connection.close()

    def _post(self, event: CloudEvent, timeout_seconds: float) -> tuple[HTTPResponse, bytes]:
        headers, body = event.to_binary()
        self._connection.timeout = timeout_seconds
        if self._connection.sock is not None:
            self._connection.sock.settimeout(timeout_seconds)
        self._connection.request("POST", self._path, body, headers)
        answer = self._connection.getresponse()
        return answer, answer.read()
