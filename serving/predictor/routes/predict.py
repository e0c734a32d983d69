"""The operations that ask the model: V1 predict and V2 infer."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable

from serving.errors import ServingError, UnsupportedEncodingError, shown
from serving.predictor import metrics
from serving.predictor.batches import Asked, Outcome
from serving.predictor.http.message import Request, Response
from serving.predictor.inference import Inference
from serving.predictor.later import Later
from serving.predictor.protocols.exchange import Exchange, HttpAnswer
from serving.predictor.protocols.v1 import V1Exchange
from serving.predictor.protocols.v2 import JSON_LENGTH, V2Exchange
from serving.predictor.routes.answers import PROTOCOL, Answers


def v1_exchange(request: Request) -> Exchange[HttpAnswer]:
    """A V1 request."""
    return V1Exchange(request.body)


def v2_exchange(request: Request) -> Exchange[HttpAnswer]:
    """A V2 request, JSON or binary."""
    return V2Exchange(request.body, request.headers.get(JSON_LENGTH))


class Predict:
    """Answers requests for predictions in one protocol. Its own work is a few microseconds a request."""

    def __init__(
        self, inference: Inference, exchange_of: Callable[[Request], Exchange[HttpAnswer]], answers: Answers
    ) -> None:
        self._inference = inference
        self._exchange_of = exchange_of
        self._answers = answers
        self._answered_requests = metrics.answered(PROTOCOL)
        self._observe = metrics.answer_seconds(PROTOCOL).observe

    def __call__(self, request: Request) -> Response | Awaitable[Response]:
        """The answer, or for many rows something to wait for. It never raises."""
        try:
            if "content-encoding" in request.headers:
                _require_plain(request)
            answer = self._inference.answer(self._exchange_of(request), request.headers, request.deadline)
        except Exception as error:  # noqa: BLE001 - the edge of the process: any error is an answer
            return self._failed(request, error)
        if isinstance(answer, HttpAnswer):
            return self._answered(request, answer)
        return Later(self._later, request, answer)

    def asked(self, request: Request) -> Asked[HttpAnswer]:
        """The same request, to be answered together with others."""
        return Asked(self._exchange_of(request), request.headers, request.deadline)

    def outcome(self, request: Request, found: Outcome[HttpAnswer]) -> Response | Awaitable[Response]:
        """The answer to a request that was."""
        if isinstance(found, HttpAnswer):
            return self._answered(request, found)
        return self._failed(request, found) if isinstance(found, Exception) else Later(self._later, request, found)

    async def _later(self, request: Request, answer: Awaitable[HttpAnswer]) -> Response:
        try:
            return self._answered(request, await answer)
        except Exception as error:  # noqa: BLE001 - the edge of the process: any error is an answer
            return self._failed(request, error)

    def _answered(self, request: Request, answer: HttpAnswer) -> Response:
        self._answered_requests.count += 1
        self._observe(time.perf_counter() - request.received)
        return self._answers.predicted(request, answer)

    def _failed(self, request: Request, error: Exception) -> Response:
        status = error.status if isinstance(error, ServingError) else ServingError.status
        metrics.REQUESTS.labels(PROTOCOL, str(status)).inc()
        return self._answers.failed(request, error)


def _require_plain(request: Request) -> None:
    encoding = request.headers["content-encoding"]
    if encoding != "identity":
        raise UnsupportedEncodingError(f"Content-Encoding is {shown(encoding)}; expected none.")
