"""Which port a server gets: the one it had, the usual one, or any free one."""

from __future__ import annotations

import random
import socket
from collections.abc import Mapping

from contracts.errors import UnavailableError

_FREE_RANGE = range(10_240, 22_240)
"""Below every system's ephemeral ports, also after adding a gRPC offset of 10000."""


def choose(usual: Mapping[str, int], remembered: Mapping[str, int], twin_offset: int = 0) -> dict[str, int]:
    """A free port for every name. With a `twin_offset`, port + offset is free too."""
    chosen: dict[str, int] = {}
    for name, port in usual.items():
        candidates = [remembered.get(name, port), port, *random.sample(_FREE_RANGE, 200)]
        chosen[name] = _first_free(candidates, taken=set(chosen.values()), twin_offset=twin_offset)
    return chosen


def are_free(ports: Mapping[str, int]) -> bool:
    """Whether nothing listens on any of the ports."""
    return all(_is_free(port) for port in ports.values())


def _first_free(candidates: list[int], taken: set[int], twin_offset: int) -> int:
    for port in candidates:
        if port not in taken and _is_free(port) and _is_free(port + twin_offset):
            return port
    raise UnavailableError("No free port was found on 127.0.0.1.", "Stop programs that listen on many ports.")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as servers do
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
