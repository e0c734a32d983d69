"""One event to one address: what counts as delivered, what is tried again, and what a dead letter says."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import count

import aiohttp

from contracts.cloudevent import MAX_EVENT_BYTES, CloudEvent
from pocket.broker.routes import Delivery

RETRIED = frozenset({404, 408, 409, 429})
"""Beside every 5xx; any other answer but a 2xx is a permanent reject."""
MAX_ERROR_BYTES = 768
"""Of an answer in `knativeerrordata`, which is its base64 in at most 1024 letters."""


@dataclass(frozen=True)
class Answer:
    """What a receiver said to an event, or that it could not be reached, which counts as a 500."""

    status: int
    body: bytes = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict)
    """Names in lower case."""

    @property
    def delivered(self) -> bool:
        """Whether the receiver has it."""
        return 200 <= self.status < 300

    @property
    def retried(self) -> bool:
        """Whether another attempt may do better."""
        return self.status >= 500 or self.status in RETRIED


async def deliver(session: aiohttp.ClientSession, url: str, event: CloudEvent, delivery: Delivery) -> Answer:
    """Send an event, again and again as its policy says; the last answer."""
    for retry in count(1):
        answer = await send(session, url, event, delivery.timeout.total_seconds())
        if answer.delivered or not answer.retried or retry > delivery.retry:
            break
        await asyncio.sleep(delivery.pause_seconds(retry))
    return answer


async def send(session: aiohttp.ClientSession, url: str, event: CloudEvent, seconds: float) -> Answer:
    """Send an event once, in binary mode. Redirects are not followed."""
    headers, body = event.to_binary()
    timeout = aiohttp.ClientTimeout(total=seconds)
    try:
        async with session.post(
            url, data=body, headers=headers, timeout=timeout, allow_redirects=False, skip_auto_headers=["Content-Type"]
        ) as response:
            found = {name.lower(): value for name, value in response.headers.items()}
            return Answer(response.status, await _bounded(response), found)
    except TimeoutError:
        return Answer(500, f"{url} did not answer within {seconds:g} s".encode())
    except (aiohttp.ClientError, OSError, ValueError) as error:
        return Answer(500, f"{url} cannot be reached: {type(error).__name__}: {error}".encode())


def dead_letter(event: CloudEvent, url: str, answer: Answer) -> CloudEvent:
    """An event with Knative's three extensions that tell why it was not delivered."""
    data = base64.b64encode(answer.body[:MAX_ERROR_BYTES]).decode()
    return event.extended(knativeerrordest=url, knativeerrorcode=str(answer.status), knativeerrordata=data)


async def _bounded(response: aiohttp.ClientResponse) -> bytes:
    """An answer's body, or as much of it as an event may have and one byte, so that what is too large shows."""
    body = bytearray()
    async for chunk in response.content.iter_chunked(65_536):
        body += chunk
        if len(body) > MAX_EVENT_BYTES:
            break
    return bytes(body[: MAX_EVENT_BYTES + 1])
