"""The predictor's HTTP as people's clients use it: requests, httpx, aiohttp and curl, unmodified."""

from __future__ import annotations

import asyncio
import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import aiohttp
import httpx
import pytest
import requests
from predictor_process import Bundle, Server

PREDICT = "/v1/models/flights:predict"
METADATA = "/v2/models/flights"
BODY = json.dumps({"instances": [[1, 2, 0, 0]]}).encode() + b" " * 2000
ROUNDS = 50
"""On one connection. Heads of so many requests are more bytes than one may have."""
Ask = Callable[[str], list[tuple[int, bytes]]]


def by_requests(url: str) -> list[tuple[int, bytes]]:
    """One connection, each head before its body; then one in chunks."""
    with requests.Session() as client:
        headers = {"x-padding": "a" * 2000}
        answers = [client.post(url, BODY, headers=headers, timeout=30) for _ in range(ROUNDS)]
        answers.append(client.post(url, iter([BODY[:7], BODY[7:]]), timeout=30))
        return [(answer.status_code, answer.content) for answer in answers]


def by_httpx(url: str) -> list[tuple[int, bytes]]:
    """The same."""
    with httpx.Client(timeout=30, headers={"x-padding": "a" * 2000}) as client:
        answers = [client.post(url, content=BODY) for _ in range(ROUNDS)]
        answers.append(client.post(url, content=iter([BODY[:7], BODY[7:]])))
        return [(answer.status_code, answer.content) for answer in answers]


def by_aiohttp(url: str) -> list[tuple[int, bytes]]:
    """Eight at a time; then one that waits for a go-ahead."""

    async def ask() -> list[tuple[int, bytes]]:
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=8)) as client:

            async def one(expect100: bool) -> tuple[int, bytes]:
                async with client.post(url, data=BODY, expect100=expect100) as answer:
                    return answer.status, await answer.read()

            return [*await asyncio.gather(*(one(False) for _ in range(ROUNDS))), await one(True)]

    return asyncio.run(ask())


@pytest.mark.parametrize("ask", [by_requests, by_httpx, by_aiohttp])
def test_a_library(sturdy_server: Server, ask: Ask) -> None:
    """Every request on a kept connection has its answer, the same each time."""
    found = ask(sturdy_server.url + PREDICT)
    assert len(found) == ROUNDS + 1
    assert set(found) == {sturdy_server.post(PREDICT, BODY)[:2]}
    assert found[0][0] == 200


@pytest.mark.parametrize(
    "more",
    [
        (),
        ("--http1.0",),
        ("--header", "expect: 100-continue", "--expect100-timeout", "25"),
        ("--header", "transfer-encoding: chunked"),
        ("--header", "expect: 100-continue", "--header", "transfer-encoding: chunked"),
        ("--header", "connection: close"),
        ("--http2",),
    ],
    ids=" ".join,
)
def test_curl_with_a_body(sturdy_server: Server, tmp_path: Path, more: tuple[str, ...]) -> None:
    """However curl is told to send a body; it asks to go on in HTTP/2 in vain, and is answered."""
    (tmp_path / "body").write_bytes(BODY)
    url = sturdy_server.url + PREDICT
    answer = _curl(*more, "--data-binary", f"@{tmp_path / 'body'}", url)
    assert answer == sturdy_server.post(PREDICT, BODY)[1]


def test_curl_keeps_its_connection(sturdy_server: Server) -> None:
    """Two addresses are asked on one connection, and HEAD is answered with the length and without the body."""
    told = _curl("--write-out", "%{num_connects} ", *[f"{sturdy_server.url}{METADATA}"] * 2).decode()
    assert [told.count(part) for part in ("xgboost_ubj", "}1 ", "}0 ")] == [2, 1, 1]
    head = _curl("--head", sturdy_server.url + METADATA).decode().lower()
    assert head.startswith("http/1.1 200 ok\r\n")
    assert f"content-length: {len(sturdy_server.get(METADATA)[1])}\r\n" in head


def test_eight_sent_ahead(flights: Bundle, sturdy_server: Server) -> None:
    """Eight requests that are sent before the first answer is read have their own answers, in their order."""
    rows = [list(map(_json_number, row)) for row in flights.matrix[:8].tolist()]
    bodies = [json.dumps({"instances": [row]}).encode() for row in rows]
    host, _, port = sturdy_server.url.removeprefix("http://").partition(":")

    async def ask() -> list[bytes]:
        reader, writer = await asyncio.open_connection(host, int(port))
        for body in bodies:
            writer.write(b"POST %s HTTP/1.1\r\nhost: a\r\ncontent-length: %d\r\n\r\n" % (PREDICT.encode(), len(body)))
            writer.write(body)
        found = []
        for _ in bodies:
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
            found.append(await reader.readexactly(length))
        writer.close()
        return found

    assert asyncio.run(ask()) == [sturdy_server.post(PREDICT, body)[1] for body in bodies]


def _json_number(value: float) -> float | None:
    return None if value != value else value


def _curl(*arguments: str) -> bytes:
    line = ["curl", "--silent", "--show-error", "--fail-with-body", "--max-time", "30", *arguments]
    return subprocess.run(line, capture_output=True, check=True, timeout=60).stdout
