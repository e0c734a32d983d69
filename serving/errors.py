"""The errors a service answers its clients with. Each kind has one HTTP status; gRPC's derives from it."""

from __future__ import annotations

import reprlib
from typing import ClassVar

from contracts.errors import DriftloopError


class ServingError(DriftloopError):
    """Base of every error a client may be shown."""

    status: ClassVar[int] = 500


class InvalidRequestError(ServingError):
    """The request cannot be understood or breaks the model's input contract."""

    status = 400


class NotFoundError(ServingError):
    """No such model, version or operation."""

    status = 404


class TooLargeError(ServingError):
    """More bytes or rows than this server takes at once."""

    status = 413


class UnsupportedEncodingError(ServingError):
    """The body is compressed in a way this server does not read."""

    status = 415


class NotReadyError(ServingError):
    """The model is not serving, or not any more."""

    status = 503


class DeadlineError(ServingError):
    """Nobody waits for the answer any more."""

    status = 504


def shown(value: object) -> str:
    """A client's value as error messages quote it: shortened, however long or nested it is."""
    return reprlib.repr(value)
