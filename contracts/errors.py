"""Every error a user may see: what happened, which value, what to do. Each kind has one exit code."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar

MARK = "driftloop-error: "
"""What a step's log line starts with when it carries a DriftloopError to the process that started it."""


class DriftloopError(Exception):
    """Base of every expected failure. `exit_code` is what the command line ends with."""

    exit_code: ClassVar[int] = 1

    def __init__(self, what: str, remedy: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.what} {self.remedy}".strip()


class ConfigError(DriftloopError):
    """A setting, an argument or a key of a loop's TOML is wrong."""

    exit_code = 2


class DataError(DriftloopError):
    """The data broke its contract: a column, a type, too many bad rows, nothing in the window."""

    exit_code = 3


class UnavailableError(DriftloopError):
    """A server that is needed did not answer: S3, MLflow, a database, the predictor."""

    exit_code = 4


class BusyError(DriftloopError):
    """Somebody else holds what is needed: another command works in the same home."""

    exit_code = 5


class RejectedError(DriftloopError):
    """The work was done and the gate said no: the challenger is not good enough."""

    exit_code = 6


class StorageFullError(DriftloopError):
    """A disk has no room left."""

    exit_code = 7


class IntegrityError(DriftloopError):
    """A file is not what its digest says, or is in a format that could run code when it is read."""

    exit_code = 8


_KINDS: dict[str, type[DriftloopError]] = {
    kind.__name__: kind
    for kind in (
        ConfigError,
        DataError,
        UnavailableError,
        BusyError,
        RejectedError,
        StorageFullError,
        IntegrityError,
    )
}


def to_line(error: DriftloopError) -> str:
    """One log line from which `from_line` makes the same error again, in another process."""
    body = {"kind": type(error).__name__, "what": error.what, "remedy": error.remedy}
    return MARK + json.dumps(body)


def from_line(line: str) -> DriftloopError | None:
    """The error a log line carries, or None for any other line."""
    _, mark, body = line.partition(MARK)
    if not mark:
        return None
    try:
        fields = json.loads(body)
        return _KINDS.get(fields["kind"], DriftloopError)(fields["what"], fields["remedy"])
    except (ValueError, KeyError, TypeError):
        logging.getLogger(__name__).warning("unreadable error line: %s", line)
        return None


@contextmanager
def disk_room(place: object) -> Iterator[None]:
    """Turn "no space left on device" while writing to `place` into a StorageFullError."""
    try:
        yield
    except OSError as error:
        if not is_disk_full(error):
            raise
        raise StorageFullError(
            f"No space left on the disk that holds {place}.",
            "Free some room and run again; nothing half-written is kept.",
        ) from error


def is_disk_full(error: BaseException) -> bool:
    """Whether an error means a full disk. Libraries wrap ENOSPC, so their text is looked at too."""
    import errno

    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return True
    return "no space left on device" in str(error).lower()
