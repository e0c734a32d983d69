"""Any exception as the ServingError a client is shown, counted by protocol and status."""

from __future__ import annotations

import logging

from serving.errors import ServingError
from serving.predictor.metrics import FAILURES

_logger = logging.getLogger(__name__)


def failure_of(error: Exception, protocol: str) -> ServingError:
    """What the client is shown: never the text of an error nobody foresaw, which is for the log."""
    if isinstance(error, ServingError):
        failure = error
    else:
        _logger.error("%s: a request failed", protocol, exc_info=error)
        failure = ServingError("The server failed to answer; its log says why.")
    FAILURES.labels(protocol, str(failure.status)).inc()
    return failure
