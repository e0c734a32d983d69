"""What the API answers when it says no: a google.rpc.Status, as Kubeflow's server has it."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]

INVALID, NOT_FOUND, EXISTS, WRONG_STATE, INTERNAL, AWAY = 3, 5, 6, 9, 13, 14
_HTTP = {INVALID: 400, NOT_FOUND: 404, EXISTS: 409, WRONG_STATE: 400, INTERNAL: 500, AWAY: 503}


class ApiError(Exception):
    """A request that cannot be granted, with a code of google.rpc."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message

    @property
    def http_status(self) -> int:
        """The HTTP status that goes with the code."""
        return _HTTP[self.code]

    def body(self) -> Json:
        """The Status; `error` is there for clients of older servers."""
        return {"error": self.message, "code": self.code, "message": self.message, "details": []}
