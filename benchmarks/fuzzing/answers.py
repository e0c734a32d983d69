"""Answers as the predictor sent them, and what is wrong with one, if anything is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

FORBIDDEN = {2: "UNKNOWN", 13: "INTERNAL"}
"""Statuses of gRPC that blame the server."""


@dataclass(frozen=True)
class Answer:
    """An HTTP answer."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def closes(self) -> bool:
        """Whether it is the connection's last."""
        return self.headers.get("connection") == "close"


class TornError(Exception):
    """Bytes that are no whole HTTP answers."""


def parsed(data: bytes) -> tuple[Answer, bytes] | None:
    """The first answer and what follows it, or None if it is not whole yet. 100 Continue is skipped."""
    start, found, rest = data.partition(b"\r\n\r\n")
    if not found:
        return None
    first, *lines = start.split(b"\r\n")
    version, _, told = first.partition(b" ")
    if version != b"HTTP/1.1" or not told[:3].isdigit():
        raise TornError(f"an answer begins with {first[:80]!r}")
    if told[:3] == b"100":
        return parsed(rest)
    headers = dict(line.decode("latin-1").lower().split(": ", 1) for line in lines)
    size = int(headers["content-length"])
    if len(rest) < size:
        return None
    return Answer(int(told[:3]), headers, rest[:size]), rest[size:]


def every(data: bytes) -> Iterator[Answer]:
    """The answers of a connection that has ended. One to HEAD has no body, whatever its length says."""
    while data:
        start, _, rest = data.partition(b"\r\n\r\n")
        if start.startswith(b"HTTP/1.1 100"):
            data = rest
            continue
        headless = rest == b"" or rest.startswith(b"HTTP/1.1 ")
        if headless and start.startswith(b"HTTP/1.1 "):
            yield Answer(int(start[9:12]), {"connection": "close"} if b"connection: close" in start else {}, b"")
            data = rest
            continue
        found = parsed(data)
        if found is None:
            raise TornError(f"an answer ends early: {data[:200]!r}")
        answer, data = found
        yield answer


def fault(answer: Answer) -> str | None:
    """What must not be, of an answer to a prediction."""
    if answer.status >= 500:
        return f"status {answer.status}: {answer.body[:200]!r}"
    if answer.status == 200 and "inference-header-content-length" in answer.headers:
        head = answer.body[: int(answer.headers["inference-header-content-length"])]
        return None if _is_json(head) else f"a head that is no JSON: {head[:200]!r}"
    if answer.body and not _is_json(answer.body):
        return f"a body that is no JSON: {answer.body[:200]!r}"
    if answer.status != 200 and answer.body and list(json.loads(answer.body)) != ["error"]:
        return f"an error of another shape: {answer.body[:200]!r}"
    return None


def _is_json(body: bytes) -> bool:
    try:
        json.loads(body.decode("utf-8"), parse_constant=_refuse)
    except ValueError:
        return False
    return True


def _refuse(name: str) -> None:
    raise ValueError(name)
