"""Answers that the connections give themselves, without asking the handler."""

from __future__ import annotations

import json

from serving.predictor.http.message import Response

_JSON = ("content-type", "application/json")


def refusal(status: int, what: str, *headers: tuple[str, str]) -> Response:
    """An answer in the shape of every error: {"error": what}."""
    return Response(status, json.dumps({"error": what}).encode(), (_JSON, *headers))


class RefusedError(Exception):
    """A request cannot be read any further. Raised inside the parser, which then stops."""

    def __init__(self, response: Response) -> None:
        super().__init__(response.status)
        self.response = response


RETRY = ("retry-after", "1")
BUSY = refusal(503, "The server is busy; try again in a second.", RETRY)
FULL = refusal(503, "The server has too many connections; try again in a second.", RETRY)
EXPIRED = refusal(504, "The time that the client gave this request passed before it was its turn.")
FAILED = refusal(500, "The server failed to answer; its log says why.")
HEAD_TOO_SLOW = refusal(408, "The request's headers did not come in time.")
BODY_TOO_SLOW = refusal(408, "The request's body did not come in time.")
