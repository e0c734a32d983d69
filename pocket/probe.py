"""One HTTP request to a server of this machine, to learn whether it is ready."""

from __future__ import annotations

import http.client

_SECONDS = 2


def status(port: int, path: str) -> int | None:
    """The HTTP status of a GET, or None if nobody answers."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_SECONDS)  # knows no proxy
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):  # nobody listens yet, or it is not HTTP
        return None
    finally:
        connection.close()
