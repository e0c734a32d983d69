"""What a client is shown of an error."""

from __future__ import annotations

import pytest

from serving.errors import DeadlineError, InvalidRequestError, NotReadyError, TooLargeError
from serving.predictor.failure import failure_of


@pytest.mark.parametrize(
    ("error", "status", "text"),
    [
        (TooLargeError("Too many rows.", "Send fewer."), 413, "Too many rows. Send fewer."),
        (InvalidRequestError("Unknown feature."), 400, "Unknown feature."),
        (NotReadyError("Server is not ready."), 503, "Server is not ready."),
        (DeadlineError("Too late."), 504, "Too late."),
        (RuntimeError("/srv/secret"), 500, "The server failed to answer; its log says why."),
        (NotImplementedError("/srv/secret"), 500, "The server failed to answer; its log says why."),
    ],
)
def test_status_and_text(error: Exception, status: int, text: str) -> None:
    """Each kind has its status; what nobody foresaw is not shown."""
    failure = failure_of(error, "test")
    assert (failure.status, str(failure)) == (status, text)
