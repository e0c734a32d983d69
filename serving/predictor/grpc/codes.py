"""gRPC's statuses, and which one an error stands for."""

from __future__ import annotations

from enum import IntEnum
from typing import ClassVar

from serving.errors import ServingError


class Code(IntEnum):
    """The statuses a call ends with here."""

    OK = 0
    INVALID_ARGUMENT = 3
    DEADLINE_EXCEEDED = 4
    NOT_FOUND = 5
    RESOURCE_EXHAUSTED = 8
    UNIMPLEMENTED = 12
    INTERNAL = 13
    UNAVAILABLE = 14


class CallError(ServingError):
    """Base of the errors that only gRPC has."""

    code: ClassVar[Code]


class UnimplementedError(CallError):
    """No such method, or a message compressed in a way that this server does not read."""

    status, code = 501, Code.UNIMPLEMENTED


class ExhaustedError(CallError):
    """More, or larger, than this server takes at once."""

    status, code = 503, Code.RESOURCE_EXHAUSTED


_CODES = {
    400: Code.INVALID_ARGUMENT,
    404: Code.NOT_FOUND,
    413: Code.INVALID_ARGUMENT,
    415: Code.UNIMPLEMENTED,
    503: Code.UNAVAILABLE,
    504: Code.DEADLINE_EXCEEDED,
}


def code_of(error: ServingError) -> Code:
    """The status; INTERNAL for what is no client's doing."""
    return error.code if isinstance(error, CallError) else _CODES.get(error.status, Code.INTERNAL)
