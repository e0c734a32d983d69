"""The door of every service that consumes events."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping

import httpx
import pytest

from contracts.cloudevent import MAX_EVENT_BYTES, CloudEvent
from contracts.errors import ConfigError, DataError, UnavailableError
from serving import receiver

EVENT = CloudEvent({"id": "1", "source": "/test", "type": "test"}, b'{"a":1}', "application/json")


def ask(
    headers: Mapping[str, str],
    content: bytes | AsyncIterator[bytes],
    answer: CloudEvent | None = None,
    error: Exception | None = None,
) -> httpx.Response:
    """What a service that does so with every event answers to a request."""

    async def handle(event: CloudEvent) -> CloudEvent | None:
        assert event == EVENT
        if error:
            raise error
        return answer

    async def send() -> httpx.Response:
        service = httpx.ASGITransport(receiver.application(handle, "test"))
        async with httpx.AsyncClient(transport=service, base_url="http://test") as client:
            return await client.post("/", headers=headers, content=content)

    return asyncio.run(send())


@pytest.mark.parametrize("mode", ["to_binary", "to_structured"])
def test_an_event_in_either_mode_is_handled(mode: str) -> None:
    """202 when the service has nothing to tell."""
    headers, body = getattr(EVENT, mode)()
    assert ask(headers, body).status_code == 202


def test_what_the_service_tells_is_in_the_answer() -> None:
    """As a CloudEvent, which a Broker publishes again."""
    headers, body = EVENT.to_binary()
    answer = ask(headers, body, answer=EVENT.extended(loop="flights"))
    assert (answer.status_code, answer.headers["ce-loop"], answer.content) == (200, "flights", EVENT.data)


@pytest.mark.parametrize(
    ("error", "status"),
    [(DataError("no"), 422), (UnavailableError("later"), 503), (ConfigError("wrong"), 503), (KeyError("x"), 500)],
)
def test_the_status_tells_whether_to_send_it_again(error: Exception, status: int) -> None:
    """Only what will never do is refused for good; no traceback is shown."""
    headers, body = EVENT.to_binary()
    answer = ask(headers, body, error=error)
    assert answer.status_code == status
    assert "Traceback" not in answer.text


def test_too_large_a_body_is_refused_before_it_is_read_whole() -> None:
    """413, whatever its length is said to be."""
    headers, _ = EVENT.to_binary()

    async def endless() -> AsyncIterator[bytes]:
        for _ in range(MAX_EVENT_BYTES // 100_000 + 2):
            yield b"x" * 100_000

    assert ask(headers, endless()).status_code == 413


def test_what_is_no_event_is_refused() -> None:
    """With words that say what is missing."""
    answer = ask({}, b"{}")
    assert answer.status_code == 422
    assert "ce-id" in answer.text
