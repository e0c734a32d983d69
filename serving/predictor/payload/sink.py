"""The sink of the events: one POST, and what its answer means."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import httpx

from contracts.cloudevent import CloudEvent

AGAIN = frozenset({404, 408, 409, 429})
"""Statuses below 500 that Knative's senders try again. 404 among them: a Broker that is not there yet."""


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
    """Sends events in binary mode over connections that are kept."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._client = httpx.Client()

    def post(self, event: CloudEvent, timeout_seconds: float) -> Answer:
        """Send an event once."""
        headers, body = event.to_binary()
        try:
            answer = self._client.post(self.url, content=body, headers=headers, timeout=timeout_seconds)
        except httpx.TransportError as error:
            return Answer(Outcome.AGAIN, f"{type(error).__name__}: {error}")
        words = f"{answer.status_code} {answer.text[:200]!r}"
        if answer.is_success:
            return Answer(Outcome.SENT, words)
        again = answer.status_code >= 500 or answer.status_code in AGAIN
        return Answer(Outcome.AGAIN if again else Outcome.REJECTED, words)

    def close(self) -> None:
        """Give the connections up."""
        self._client.close()
