"""What pocket remembers on disk: one small record a service, and the lock that lets one command change them."""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from contracts.errors import BusyError, ConfigError, disk_room
from pocket.progress import Progress, Step

LOCK_SECONDS = 300.0
POLL_SECONDS = 0.05


@dataclass(frozen=True)
class Record:
    """One server that pocket started."""

    service: str
    token: str
    """Stands in the environment of each of its processes: a pid may be re-used, a token never is. Empty: stopped."""
    pid: int
    started: float
    """Epoch seconds."""
    ports: Mapping[str, int]
    detail: Mapping[str, str] = field(default_factory=dict)
    """What it was started with; another detail asked for means a restart."""
    grace_seconds: float = 25
    """How long it may take to end by itself; more than the predictor gives its requests under way."""
    scheme: str = "http"
    """What it speaks on that port."""

    @property
    def address(self) -> str:
        """Base URL of its main port."""
        return f"{self.scheme}://127.0.0.1:{self.ports['http']}"

    def stopped(self) -> Record:
        """The same record, remembering the ports and the detail but no process."""
        return replace(self, token="", pid=0, started=0.0)


def read(home: Path, service: str) -> Record | None:
    """The record of a service, or None. ConfigError if the file is not one."""
    path = _path(home, service)
    try:
        return Record(**json.loads(path.read_text()))
    except FileNotFoundError:
        return None
    except (ValueError, TypeError) as error:
        raise ConfigError(
            f"{path} is not a record of a service ({error}).", "Delete it, then run `driftloop up`."
        ) from error


def write(home: Path, record: Record) -> None:
    """Replace the record of a service, whole or not at all."""
    path = _path(home, record.service)
    private_folder(path.parent)
    private_file(path, json.dumps(asdict(record), indent=1))


def remove(home: Path, service: str) -> None:
    """Forget a service."""
    _path(home, service).unlink(missing_ok=True)


def private_folder(path: Path) -> None:
    """Make a folder that only its owner may enter, with the home above it."""
    with disk_room(path):
        path.mkdir(mode=0o700, parents=True, exist_ok=True)


def private_file(path: Path, text: str) -> None:
    """Write a file only its owner may read, by renaming a finished one into its place."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    with disk_room(path):
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)


@contextmanager
def locked(home: Path, on_progress: Progress, seconds: float = LOCK_SECONDS) -> Iterator[None]:
    """Hold the home's lock. The kernel frees it when its holder dies. BusyError if it is not had in time."""
    private_folder(home)
    with (home / "lock").open("a") as file:
        _acquire(file.fileno(), home, on_progress, time.monotonic() + seconds)
        yield


def _acquire(descriptor: int, home: Path, on_progress: Progress, deadline: float) -> None:
    if _is_had(descriptor):
        return
    on_progress(Step("lock", "waiting for another driftloop command"))
    while not _is_had(descriptor):
        if time.monotonic() > deadline:
            raise BusyError(f"Another driftloop command has worked in {home} for too long.", "Wait for it, or end it.")
        time.sleep(POLL_SECONDS)
    on_progress(Step("lock", "the other command has ended", done=True))


def _is_had(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _path(home: Path, service: str) -> Path:
    return home / "state" / f"{service}.json"
