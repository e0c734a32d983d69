"""A run's failure as the API carries it: google.rpc's code and a message, whose second line is what to do."""

from __future__ import annotations

from typing import Any

from contracts.errors import (
    BusyError,
    ConfigError,
    DataError,
    DriftloopError,
    IntegrityError,
    RejectedError,
    StorageFullError,
    UnavailableError,
    from_line,
)

UNKNOWN = 2
_CODES: dict[type[DriftloopError], int] = {
    ConfigError: 3,  # INVALID_ARGUMENT
    StorageFullError: 8,  # RESOURCE_EXHAUSTED
    DataError: 9,  # FAILED_PRECONDITION
    BusyError: 10,  # ABORTED
    RejectedError: 11,  # OUT_OF_RANGE
    UnavailableError: 14,  # UNAVAILABLE
    IntegrityError: 15,  # DATA_LOSS
}
_KINDS = {code: kind for kind, code in _CODES.items()}


def to_status(error: DriftloopError) -> dict[str, Any]:
    """The `error` of a run."""
    return {"code": _CODES.get(type(error), UNKNOWN), "message": f"{error.what}\n{error.remedy}".strip()}


def from_status(code: int | None, message: str) -> DriftloopError:
    """The error again. A cluster's own words stay as they are, unless a step's last words are among them."""
    what, _, remedy = message.partition("\n")
    return from_line(message) or _KINDS.get(code or UNKNOWN, DriftloopError)(what, remedy)


def at_step(error: DriftloopError, step: str, log: str) -> DriftloopError:
    """The same error, which also says at which step it ended the run and where that step's log is."""
    told = "" if log in error.remedy else f"Its log: {log}"
    return type(error)(f"Step {step}: {error.what}", "\n".join(filter(None, (error.remedy, told))))
