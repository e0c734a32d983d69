"""Readiness probes as a kubelet sends them: from a process of its own, a new connection each time."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection

from pocket import probe

PERIOD_SECONDS = 0.5


@contextmanager
def probing(port: int, begin: float, seconds: float) -> Iterator[Connection]:
    """Probe for so many seconds, from a moment in so many; afterwards the connection holds what `taken` reads."""
    reads, writes = multiprocessing.Pipe(duplex=False)
    process = multiprocessing.Process(target=_probe, args=(port, begin, seconds, writes), daemon=True)
    process.start()
    try:
        yield reads
    finally:
        process.terminate()
        process.join()


def taken(reads: Connection) -> list[float]:
    """Seconds of each probe; inf where none or another answer came."""
    found: list[float] = reads.recv()
    return found


def _probe(port: int, begin: float, seconds: float, writes: Connection) -> None:
    time.sleep(begin)
    until, found = time.perf_counter() + seconds, []
    while (asked := time.perf_counter()) < until:
        is_ready = probe.status(port, "/v2/health/ready") == 200
        found.append(time.perf_counter() - asked if is_ready else float("inf"))
        time.sleep(PERIOD_SECONDS)
    writes.send(found)
