"""What a call's headers say."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from serving.errors import InvalidRequestError, shown

_TIMEOUT = re.compile(r"(\d{1,8})([HMSmun])", re.ASCII)
_SECONDS = {"H": 3600.0, "M": 60.0, "S": 1.0, "m": 1e-3, "u": 1e-6, "n": 1e-9}


@dataclass(frozen=True, slots=True)
class Head:
    """The headers of one call."""

    metadata: dict[str, str]
    """Names in lower case; of one that is there more than once, the last."""
    path: str
    encoding: str
    """How compressed messages are compressed."""
    timeout_seconds: float | None
    """From the headers' arrival; None: the client waits for ever."""

    @property
    def is_grpc(self) -> bool:
        """Whether a gRPC client sent it."""
        kind = self.metadata.get("content-type", "")
        return self.metadata[":method"] == "POST" and kind.startswith("application/grpc")


def parse(headers: Iterable[tuple[bytes, bytes]]) -> Head:
    """The head of a call. InvalidRequestError if its timeout is none."""
    metadata = {name.decode("latin-1"): value.decode("latin-1") for name, value in headers}
    timeout = metadata.get("grpc-timeout")
    seconds = None if timeout is None else _seconds(timeout)
    return Head(metadata, metadata.get(":path", ""), metadata.get("grpc-encoding", "identity"), seconds)


def _seconds(timeout: str) -> float:
    found = _TIMEOUT.fullmatch(timeout)
    if found is None:
        raise InvalidRequestError(f"grpc-timeout is {shown(timeout)}; expected up to 8 digits and one of H M S m u n.")
    return int(found[1]) * _SECONDS[found[2]]
