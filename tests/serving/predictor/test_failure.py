"""What a client is shown of an error."""

from __future__ import annotations

import pytest
from kserve.errors import ModelNotFound, ModelNotReady

from serving.errors import InvalidRequestError, TooLargeError
from serving.predictor.sdk.failure import failure_of


@pytest.mark.parametrize(
    ("error", "status", "text"),
    [
        (TooLargeError("Too many rows.", "Send fewer."), 413, "Too many rows. Send fewer."),
        (InvalidRequestError("Unknown feature."), 400, "Unknown feature."),
        (ModelNotFound("trains"), 404, "Model with name trains does not exist."),
        (ModelNotReady("flights"), 503, "Model with name flights is not ready."),
        (NotImplementedError(), 404, "This server does not offer that operation."),
        (RuntimeError("/srv/secret"), 500, "The server failed to answer; its log says why."),
    ],
)
def test_status_and_text(error: Exception, status: int, text: str) -> None:
    """Each kind has its status; what nobody foresaw is not shown."""
    failure = failure_of(error, "test")
    assert (failure.status, str(failure)) == (status, text)
