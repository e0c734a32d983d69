"""Events on their way to the sink, the Broker as a rule: told for a bounded time, logged in any case.

A decision stands whether or not the Broker hears of it, so an event that cannot be sent stops nothing.
"""

from __future__ import annotations

import logging

import urllib3

from contracts.events import EventData, to_event

RETRIES = 5
BACKOFF_SECONDS = 0.5
"""Of the first wait; each next one is twice as long: about a quarter of a minute altogether."""
TIMEOUT_SECONDS = 10
_AGAIN = (404, 408, 409, 429, 500, 502, 503, 504)

_log = logging.getLogger(__name__)


class Outbox:
    """Sends events of one source as binary CloudEvents."""

    def __init__(self, sink: str | None, source: str, backoff_seconds: float = BACKOFF_SECONDS) -> None:
        self.sink = sink
        self.source = source
        retry = urllib3.Retry(
            total=RETRIES, backoff_factor=backoff_seconds, status_forcelist=_AGAIN, allowed_methods=None
        )
        self._pool = urllib3.PoolManager(timeout=TIMEOUT_SECONDS, retries=retry)

    def send(self, data: EventData) -> bool:
        """Whether the sink took it. Without a sink it is only logged."""
        headers, body = to_event(data, self.source).to_binary()
        _log.info("%s %s", headers["ce-type"], body.decode())
        if self.sink is None:
            return False
        try:
            response = self._pool.request("POST", self.sink, body=body, headers=headers)
        except urllib3.exceptions.HTTPError as error:
            _log.error("event %s did not reach %s: %s", headers["ce-id"], self.sink, error)
            return False
        if response.status >= 300:
            _log.error("event %s was refused by %s with %s", headers["ce-id"], self.sink, response.status)
        return response.status < 300
