"""What happens to one request, whatever the protocol: decode, predict, encode, log its rows."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from serving.errors import ServingError
from serving.predictor.dataplane import DataPlane, Prediction
from serving.predictor.payload.log import PayloadLog
from serving.predictor.protocols.exchange import Exchange
from serving.predictor.rows import Rows

INLINE_ROWS = 256
"""Up to so many rows are predicted at once; more go to a thread, so that probes are answered meanwhile."""
AnswerT = TypeVar("AnswerT")
_Headers = Mapping[str, str]


class Inference:
    """The one data plane beneath every protocol. Used by the event loop's thread only."""

    def __init__(self, plane: DataPlane, payloads: PayloadLog | None) -> None:
        self.plane = plane
        self._payloads = payloads
        # One thread: large requests wait for each other, instead of sharing the model's few threads among them.
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="predict")

    def answer(self, exchange: Exchange[AnswerT], headers: _Headers) -> AnswerT | Awaitable[AnswerT]:
        """The answer, or for many rows something to wait for. A ServingError says what is wrong with the request."""
        started = time.perf_counter()
        rows = exchange.decode(self.plane)
        if len(rows.matrix) > INLINE_ROWS:
            return self._answer_later(exchange, rows, headers, started)
        try:
            prediction = self.plane.predict(rows.matrix)
        except Exception as error:
            self._failed(rows, error, headers, started)
            raise
        return self._answered(exchange, rows, prediction, headers, started)

    async def _answer_later(
        self, exchange: Exchange[AnswerT], rows: Rows, headers: _Headers, started: float
    ) -> AnswerT:
        try:
            loop = asyncio.get_running_loop()
            prediction = await loop.run_in_executor(self._thread, self.plane.predict, rows.matrix)
        except Exception as error:
            self._failed(rows, error, headers, started)
            raise
        return self._answered(exchange, rows, prediction, headers, started)

    def _answered(
        self, exchange: Exchange[AnswerT], rows: Rows, prediction: Prediction, headers: _Headers, started: float
    ) -> AnswerT:
        """Encode the answer, and log the rows before it is sent."""
        answer = exchange.encode(self.plane, prediction)
        if self._payloads is not None:
            self._payloads.answered(rows, prediction.probabilities, headers, time.perf_counter() - started)
        return answer

    def _failed(self, rows: Rows, error: Exception, headers: _Headers, started: float) -> None:
        """A row is logged if the model failed, but not if the client is to blame."""
        refused = isinstance(error, ServingError) and error.status < 500
        if self._payloads is not None and not refused:
            self._payloads.failed(rows, error, headers, time.perf_counter() - started)
