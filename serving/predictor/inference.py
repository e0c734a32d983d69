"""What happens to one request, whatever the protocol: decode, predict, encode, log its rows."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

from feature_store.matrix import Matrix
from serving.errors import DeadlineError, ServingError
from serving.predictor import metrics
from serving.predictor.dataplane import DataPlane, Prediction
from serving.predictor.later import Later
from serving.predictor.protocols.exchange import Exchange
from serving.predictor.rows import Rows

if TYPE_CHECKING:
    from serving.predictor.payload.log import PayloadLog  # imports the HTTP client that sends the events

INLINE_ROWS = 256
"""Up to so many rows are predicted at once."""
INLINE_SECONDS = 0.002
"""More are, too, if they take no longer. Others go to a thread, so that probes are answered meanwhile: that costs some
tenths of a millisecond.
"""
AnswerT = TypeVar("AnswerT")
_Headers = Mapping[str, str]


class Inference:
    """The one data plane beneath every protocol. Used by the event loop's thread only."""

    def __init__(self, plane: DataPlane, payloads: PayloadLog | None) -> None:
        self.plane = plane
        self._payloads = payloads
        self._log = None if payloads is None else payloads.add
        self.commit = _nothing if payloads is None else payloads.commit
        """Have the rows of all answers outlive the process. To be called before clients see them."""
        self._rows = metrics.rows()
        self._row_seconds = float("inf")  # of the last large request
        self._observe = metrics.predict_seconds(plane.name).observe
        # One thread: large requests wait for each other, instead of sharing the model's few threads among them.
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="predict")

    def run_on(self, loop: asyncio.AbstractEventLoop) -> None:
        """Learn which event loop this is used by."""
        if self._payloads is not None:
            self._payloads.compute_on(loop)

    def answer(
        self, exchange: Exchange[AnswerT], headers: _Headers, deadline: float | None = None
    ) -> AnswerT | Awaitable[AnswerT]:
        """The answer, or for many rows something to wait for. A ServingError says what is wrong with the request.

        After the deadline, a time of time.perf_counter(), a request that still waits for the thread is given up.
        """
        started = time.perf_counter()
        return self.answer_rows(exchange, exchange.decode(self.plane), headers, started, deadline)

    def answer_rows(
        self, exchange: Exchange[AnswerT], rows: Rows, headers: _Headers, started: float, deadline: float | None
    ) -> AnswerT | Awaitable[AnswerT]:
        """The same of a request that is decoded."""
        if len(rows.matrix) > INLINE_ROWS and len(rows.matrix) * self._row_seconds > INLINE_SECONDS:
            return Later(self._answer_later, exchange, rows, headers, started, deadline)
        try:
            prediction = self.predict(rows.matrix)
        except Exception as error:
            self._failed(rows, error, headers, started)
            raise
        return self.answer_with(prediction, exchange, rows, headers, started)

    async def _answer_later(
        self, exchange: Exchange[AnswerT], rows: Rows, headers: _Headers, started: float, deadline: float | None
    ) -> AnswerT:
        try:
            loop = asyncio.get_running_loop()
            prediction, seconds = await loop.run_in_executor(self._thread, self._predict_in_time, rows.matrix, deadline)
        except Exception as error:
            self._failed(rows, error, headers, started)
            raise
        self._note(rows.matrix, seconds)
        return self.answer_with(prediction, exchange, rows, headers, started)

    def _predict_in_time(self, matrix: Matrix, deadline: float | None) -> tuple[Prediction, float]:
        """What the model says, and how long it took; in the thread, where nothing is counted."""
        if deadline is not None and time.perf_counter() > deadline:
            raise DeadlineError("The request waited too long for others before it.", "Send it again later.")
        started = time.perf_counter()
        prediction = self.plane.predict(matrix)
        return prediction, time.perf_counter() - started

    def predict(self, matrix: Matrix) -> Prediction:
        """Ask the model."""
        started = time.perf_counter()
        prediction = self.plane.predict(matrix)
        self._note(matrix, time.perf_counter() - started)
        return prediction

    def _note(self, matrix: Matrix, seconds: float) -> None:
        self._observe(seconds)
        if len(matrix) > INLINE_ROWS:
            self._row_seconds = seconds / len(matrix)

    def answer_with(
        self, prediction: Prediction, exchange: Exchange[AnswerT], rows: Rows, headers: _Headers, started: float
    ) -> AnswerT:
        """Encode the answer, and log the rows; `commit` is to follow."""
        answer = exchange.encode(self.plane, prediction)
        self._rows.count += len(rows.matrix)
        if self._log is not None:
            self._log(rows, prediction.probabilities, headers, time.perf_counter() - started, None)
        return answer

    def _failed(self, rows: Rows, error: Exception, headers: _Headers, started: float) -> None:
        """A row is logged if the model failed, but not if the client is to blame, nor if it was not asked."""
        refused = isinstance(error, DeadlineError) or (isinstance(error, ServingError) and error.status < 500)
        if self._log is not None and not refused:
            words = ": ".join([type(error).__name__, *str(error).splitlines()[:1]])
            self._log(rows, None, headers, time.perf_counter() - started, words)


def _nothing() -> None:
    """What is to be kept of answers that are not logged."""
