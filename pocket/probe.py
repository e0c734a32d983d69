"""One HTTP request to a server of this machine, to learn whether it is ready."""

from __future__ import annotations

import http.client
import json

_SECONDS = 2


def status(port: int, path: str) -> int | None:
    """The HTTP status of a GET, or None if nobody answers."""
    return _get(port, path)[0]


def body(port: int, path: str) -> object:
    """The JSON a GET answers, or None if nobody answers or it is not JSON."""
    try:
        return json.loads(_get(port, path)[1])
    except ValueError:
        return None


def _get(port: int, path: str) -> tuple[int | None, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_SECONDS)  # knows no proxy
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read()
    except (OSError, http.client.HTTPException):  # nobody listens yet, or it is not HTTP
        return None, b""
    finally:
        connection.close()
