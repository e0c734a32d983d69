"""The folder of one process' spool, locked while the process lives: no two processes share one."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from contracts.errors import ConfigError

PREFIX = "spool-"
SUFFIX = ".segment"
_LOCK = "lock"


class HeldFolder:
    """A folder that this process alone holds."""

    def __init__(self, path: Path, lock: int) -> None:
        self.path = path
        self._lock = lock

    def segment(self, sequence: int) -> Path:
        """Path of a segment."""
        return self.path / f"{sequence:012d}{SUFFIX}"

    def sequences(self) -> list[int]:
        """Numbers of the segments that are there, in order."""
        return sorted(int(path.stem) for path in self.path.glob(f"*{SUFFIX}"))

    def bytes(self) -> int:
        """Disk that the segments take."""
        return sum(path.stat().st_size for path in self.path.glob(f"*{SUFFIX}"))

    def release(self) -> None:
        """Let another process have it."""
        os.close(self._lock)

    def remove(self) -> None:
        """Delete it, and everything in it, as far as it can be: who looks into it just now may hold it up."""
        shutil.rmtree(self.path, ignore_errors=True)
        self.release()


def create(root: Path) -> HeldFolder:
    """A new folder below the root. ConfigError if it cannot be made."""
    try:
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        if root.stat().st_uid not in (os.getuid(), 0):  # a volume in Kubernetes is root's
            raise PermissionError(f"it belongs to user {root.stat().st_uid}")
        while True:  # another process may take it for a leftover before it is locked
            held = _hold(Path(tempfile.mkdtemp(prefix=PREFIX, dir=root)))
            if held is not None:
                return held
    except OSError as error:
        raise ConfigError(
            f"The spool {root} cannot be used: {error}.", "Give a folder of your own by --payload-spool."
        ) from error


def leftovers(root: Path) -> Iterator[HeldFolder]:
    """Each folder below the root whose process has ended, held by this one from now on."""
    for path in sorted(root.glob(f"{PREFIX}*")):
        held = _hold(path)
        if held is not None:
            yield held


def _hold(path: Path) -> HeldFolder | None:
    """None if another process holds it, or it is gone."""
    try:
        lock = os.open(path / _LOCK, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    except (FileNotFoundError, PermissionError):
        return None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.fstat(lock).st_ino == (path / _LOCK).stat().st_ino:
            return HeldFolder(path, lock)
    except (BlockingIOError, FileNotFoundError):
        pass  # held, or removed by the one who held it
    os.close(lock)
    return None
