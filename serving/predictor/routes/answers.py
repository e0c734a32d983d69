"""Answers, with what every one of them carries: the model's version, and the request's id if it had one."""

from __future__ import annotations

from typing import Any

import orjson

from serving.predictor.failure import failure_of
from serving.predictor.http.message import Request, Response
from serving.predictor.protocols.exchange import HttpAnswer

JSON = ("content-type", "application/json")
REQUEST_ID = "x-request-id"
"""Header that is given back as it came."""
PROTOCOL = "rest"
"""As the metrics call it."""
_Headers = tuple[tuple[str, str], ...]


class Answers:
    """Makes the answers of a server that serves one version."""

    def __init__(self, version: str) -> None:
        self._version = ("x-model-version", version)
        self._plain: _Headers = (JSON, self._version)

    def json(self, value: Any) -> Response:
        """The answer of a page that is the same for every request."""
        return Response(200, orjson.dumps(value), self._plain)

    def page(self, body: bytes, content_type: str) -> Response:
        """The answer of a page in any form."""
        return Response(200, body, (("content-type", content_type), self._version))

    def predicted(self, request: Request, answer: HttpAnswer) -> Response:
        """The answer to a request for a prediction."""
        headers = self._plain if len(answer.headers) == 1 else (*answer.headers.items(), self._version)
        return Response(200, answer.body, self._identified(request, headers))

    def failed(self, request: Request, error: Exception) -> Response:
        """The answer to a request that has none."""
        failure = failure_of(error, PROTOCOL)
        return self.refused(request, failure.status, str(failure))

    def refused(self, request: Request, status: int, what: str, *more: tuple[str, str]) -> Response:
        """A status and what is wrong, in the protocol's shape."""
        body = orjson.dumps({"error": what.encode("utf-8", "replace").decode()})
        return Response(status, body, self._identified(request, (*self._plain, *more)))

    def _identified(self, request: Request, headers: _Headers) -> _Headers:
        identity = request.headers.get(REQUEST_ID)
        return headers if identity is None else (*headers, (REQUEST_ID, identity))
