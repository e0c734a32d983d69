"""Whose turn it is: one run a loop at a time, and a line by which a run is tied to whoever started it."""

from __future__ import annotations

import fcntl
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock

from contracts.errors import BusyError, DriftloopError, disk_room
from pocket import leftovers

KEPT_RUNS = 10
"""Folders of older runs are removed; what they registered is in MLflow and S3."""
POLL_SECONDS = 0.1


class RunEndedError(DriftloopError):
    """The run did not end by itself: its line was cut."""


class Line:
    """A pipe to a run's process, on which nothing is ever sent. When it is cut, or this process dies, the run ends."""

    def __init__(self) -> None:
        self.far_end, self._near_end = os.pipe()
        self._lock = Lock()
        self.is_cut = False

    def cut(self) -> None:
        """End the run, from any thread."""
        with self._lock:
            if not self.is_cut:
                os.close(self._near_end)
                self.is_cut = True

    def __enter__(self) -> Line:
        return self

    def __exit__(self, *_: object) -> None:
        self.cut()
        os.close(self.far_end)


@contextmanager
def taken(home: Path, loop: str, line: Line, wait_seconds: float) -> Iterator[int]:
    """Hold a loop's lock, with nothing left of runs that were killed; its descriptor.

    A run's process inherits it, so the kernel frees it once both are gone. Errors: BusyError if it is not free in time;
    RunEndedError if the line is cut meanwhile.
    """
    path = home / "locks" / f"run-{loop}"
    with disk_room(home):
        path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+") as lock:
        if not _is_had(lock.fileno(), line, time.monotonic() + wait_seconds):
            lock.seek(0)
            raise BusyError(
                f"A run of {loop} is in progress ({lock.read().strip()}).", "Wait for it, or end that process."
            )
        with disk_room(path):
            lock.truncate(0)
            lock.write(f"pid {os.getpid()}, since {datetime.now(UTC):%H:%M:%S} UTC")
            lock.flush()
        leftovers.clear_killed(home / "runs", loop)
        yield lock.fileno()


def new_folder(home: Path, loop: str) -> Path:
    """A folder for a run of a loop, whose oldest ones are removed."""
    runs = home / "runs"
    folder = runs / f"{loop}-{datetime.now(UTC):%Y%m%dT%H%M%S.%f}"
    with disk_room(runs):
        folder.mkdir(parents=True)
    for old in sorted(runs.glob(f"{loop}-2*"))[:-KEPT_RUNS]:
        shutil.rmtree(old, ignore_errors=True)
    return folder


def _is_had(descriptor: int, line: Line, deadline: float) -> bool:
    while True:
        with suppress(BlockingIOError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        if line.is_cut:
            raise RunEndedError("The run was ended before it began.")
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_SECONDS)
