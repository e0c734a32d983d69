"""What the API answers when it says no: a Kubernetes Status object with its code and its reason."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

Json = dict[str, Any]

REASONS = {
    400: "BadRequest",
    401: "Unauthorized",
    403: "Forbidden",
    404: "NotFound",
    405: "MethodNotAllowed",
    409: "Conflict",
    410: "Expired",
    413: "RequestEntityTooLarge",
    415: "UnsupportedMediaType",
    422: "Invalid",
    500: "InternalError",
    503: "ServiceUnavailable",
}


class StatusError(Exception):
    """A request that cannot be granted. `causes` are (reason, message, field) as StatusDetails has them."""

    def __init__(
        self,
        code: int,
        message: str,
        reason: str = "",
        details: Json | None = None,
        causes: Sequence[tuple[str, str, str]] = (),
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.reason = reason or REASONS.get(code, "Unknown")
        self.details = dict(details or {})
        if causes:
            self.details["causes"] = [{"reason": why, "message": text, "field": field} for why, text, field in causes]

    def status(self) -> Json:
        """The Status object."""
        body: Json = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure"}
        body |= {"message": self.message, "reason": self.reason, "code": self.code}
        return body | ({"details": self.details} if self.details else {})
