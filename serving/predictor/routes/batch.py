"""Requests that were waiting together: those for predictions are answered together, the others one by one."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence

from serving.predictor.batches import Batches
from serving.predictor.http.message import Request, Response
from serving.predictor.routes.predict import Predict
from serving.predictor.routes.table import Table


class Batch:
    """The connections' handler of several requests."""

    def __init__(self, table: Table, batches: Batches) -> None:
        self._table = table
        self._batches = batches

    def __call__(self, requests: Sequence[Request]) -> list[Response | Awaitable[Response]]:
        """Their answers, in their order. It never raises."""
        predicts = [self._predict_of(request) for request in requests]
        asked = [predict.asked(request) for request, predict in zip(requests, predicts, strict=True) if predict]
        found = iter(self._batches.answer(asked))
        return [
            self._table(request) if predict is None else predict.outcome(request, next(found))
            for request, predict in zip(requests, predicts, strict=True)
        ]

    def _predict_of(self, request: Request) -> Predict | None:
        operation = self._table.operation_of(request)
        return operation if isinstance(operation, Predict) and "content-encoding" not in request.headers else None
