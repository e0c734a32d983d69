"""The body of a request while it comes in."""

from __future__ import annotations

from collections.abc import Mapping

from serving.errors import shown
from serving.predictor.http.message import Response
from serving.predictor.http.refusals import RefusedError, refusal

DRAINED = 4
"""A body up to so many times too large is read to its end and dropped: most clients send all before they read."""
_PARTS = 512
"""So many parts are joined before the end: a client may send two bytes at a time, each of which is an object."""


class Body:
    """Gathers one body after the other."""

    def __init__(self, max_bytes: int) -> None:
        self.refused: Response | None = None
        """The answer of a request whose body is read but not kept."""
        self.size = 0
        """What came of it so far."""
        self._max_bytes = max_bytes
        self._joined: list[bytes] = []
        self._parts: list[bytes] = []

    @property
    def held_bytes(self) -> int:
        """What is kept of it so far."""
        return 0 if self.refused else self.size

    def announce(self, headers: Mapping[str, str]) -> bool:
        """Learn of a body by its request's headers. Whether the client waits for a go-ahead before it sends it."""
        waits = "expect" in headers
        if waits and headers["expect"].lower() != "100-continue":
            raise RefusedError(refusal(417, f"Expect is {shown(headers['expect'])}; expected 100-continue or none."))
        announced = _length(headers.get("content-length", "0"))
        if announced > self._max_bytes * (1 if waits else DRAINED):
            raise RefusedError(self._too_large())
        if announced > self._max_bytes:
            self.drop(self._too_large())
        return waits

    def drop(self, response: Response) -> None:
        """Keep nothing of this body; its request is answered with this when all of it was read."""
        self.refused = response
        self._joined, self._parts = [], []

    def add(self, part: bytes) -> None:
        """Take the next part. RefusedError if no more of it should be read."""
        self.size += len(part)
        if self.size > self._max_bytes:
            self._overflow()
        elif self.refused is None:
            self._parts.append(part)
            if len(self._parts) == _PARTS:
                self._joined.append(b"".join(self._parts))
                self._parts = []

    def taken(self) -> bytes:
        """The whole body, and begin anew."""
        parts = self._parts
        if not parts and not self._joined:
            return b""
        whole = parts[0] if len(parts) == 1 and not self._joined else b"".join((*self._joined, *parts))
        self.size, self._joined, self._parts = 0, [], []
        return whole

    def refusal_taken(self) -> Response | None:
        """The answer instead of the body, if that was dropped, and begin anew."""
        refused = self.refused
        if refused is not None:
            self.refused, self.size = None, 0
        return refused

    def _overflow(self) -> None:
        if self.size > self._max_bytes * DRAINED:
            raise RefusedError(self._too_large())
        if self.refused is None:
            self.drop(self._too_large())

    def _too_large(self) -> Response:
        return refusal(413, f"The body is too large; expected at most {self._max_bytes} bytes.")


def _length(digits: str) -> int:
    """Content-Length, which the parser has let through: only digits, but as many zeros before them as one likes."""
    if len(digits) > 20:
        raise RefusedError(refusal(400, f"Content-Length is {shown(digits)}; expected fewer digits."))
    return int(digits)
