"""Any exception as the ServingError a client is shown, counted by protocol and status."""

from __future__ import annotations

import logging

from kserve.errors import InvalidInput, ModelNotFound, ModelNotReady
from prometheus_client import Counter
from starlette.requests import ClientDisconnect

from serving.errors import InvalidRequestError, NotFoundError, NotReadyError, ServingError

FAILURES = Counter("predictor_failures", "Requests that were not answered with a prediction", ["protocol", "status"])
EXPECTED = (ServingError, ModelNotFound, ModelNotReady, InvalidInput, NotImplementedError, ClientDisconnect)
"""Errors that need no traceback in the log."""
_logger = logging.getLogger(__name__)


def failure_of(error: Exception, protocol: str) -> ServingError:
    """What the client is shown: never the text of an error nobody foresaw, which is for the log."""
    failure = error if isinstance(error, ServingError) else _translated(error)
    FAILURES.labels(protocol, str(failure.status)).inc()
    _logger.debug("%s: answered %d: %s", protocol, failure.status, failure)
    return failure


def _translated(error: Exception) -> ServingError:
    match error:
        case ModelNotFound():
            return NotFoundError(str(error))
        case ModelNotReady():
            return NotReadyError(str(error))
        case InvalidInput():
            return InvalidRequestError(str(error))
        case NotImplementedError():
            return NotFoundError("This server does not offer that operation.")
        case ClientDisconnect():
            return InvalidRequestError("The client went away before its request was complete.")
        case _:
            return ServingError("The server failed to answer; its log says why.")
