"""Which port a server gets: the one it had, the usual one, or any free one."""

from __future__ import annotations

import random
import socket
import time
from collections.abc import Callable, Iterator, Mapping

from contracts.errors import UnavailableError

POLL_SECONDS = 0.02
FREE_RANGE = range(10_240, 20_240)
"""With a gRPC offset of 10000 none becomes another of them, and all stay below every system's ephemeral ports."""


def choose(
    usual: Mapping[str, int], remembered: Mapping[str, int], suits: Callable[[int], bool] = lambda port: True
) -> dict[str, int]:
    """For every name a port that is free and suits the server."""
    chosen: dict[str, int] = {}
    for name, port in usual.items():
        candidates = [remembered.get(name, port), port, *random.sample(FREE_RANGE, 200)]
        fresh = (candidate for candidate in candidates if candidate not in chosen.values())
        chosen[name] = _first(candidate for candidate in fresh if is_free(candidate) and suits(candidate))
    return chosen


def are_free(ports: Mapping[str, int]) -> bool:
    """Whether nothing listens on any of the ports."""
    return all(map(is_free, ports.values()))


def wait_until_free(ports: Mapping[str, int], seconds: float, suits: Callable[[int], bool] = lambda port: True) -> None:
    """Wait until the server could have all of the ports, but no longer than this: a stranger may keep one for good."""
    deadline = time.monotonic() + seconds
    while not (are_free(ports) and all(map(suits, ports.values()))) and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)


def is_free(port: int) -> bool:
    """Whether a server could listen on a port of 127.0.0.1."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as servers do
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _first(ports: Iterator[int]) -> int:
    for port in ports:
        return port
    raise UnavailableError("No free port was found on 127.0.0.1.", "Stop programs that listen on many ports.")
