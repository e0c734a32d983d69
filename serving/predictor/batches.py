"""Requests that wait at the same moment share one call of the model. Nobody waits for a batch to fill."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Mapping, Sequence
from typing import Generic, NamedTuple, TypeAlias, TypeVar

import numpy as np

from serving.predictor.dataplane import Prediction
from serving.predictor.inference import INLINE_ROWS, Inference
from serving.predictor.protocols.exchange import Exchange
from serving.predictor.rows import Rows

AnswerT = TypeVar("AnswerT")


class Asked(NamedTuple, Generic[AnswerT]):
    """One request."""

    exchange: Exchange[AnswerT]
    headers: Mapping[str, str]
    deadline: float | None


class _Member(NamedTuple, Generic[AnswerT]):
    """A request in a batch, and its place among all that were asked."""

    place: int
    asked: Asked[AnswerT]
    rows: Rows


Outcome: TypeAlias = AnswerT | Awaitable[AnswerT] | Exception


class Batches:
    """Answers several requests by as few calls as may be, each of so many rows at most."""

    def __init__(self, inference: Inference, most_rows: int) -> None:
        self._inference = inference
        self._most_rows = min(most_rows, INLINE_ROWS)

    def answer(self, requests: Sequence[Asked[AnswerT]]) -> list[Outcome[AnswerT]]:
        """What Inference.answer gives or raises for each of them, in their order."""
        started = time.perf_counter()
        outcomes: dict[int, Outcome[AnswerT]] = {}
        batch: list[_Member[AnswerT]] = []
        size = 0
        for place, asked in enumerate(requests):
            try:
                rows = asked.exchange.decode(self._inference.plane)
            except Exception as error:  # noqa: BLE001 - is handed back as this request's outcome
                outcomes[place] = error
                continue
            count = len(rows.matrix)
            if size + count > self._most_rows:
                self._answer(batch, started, outcomes)
                batch, size = [], 0
            batch.append(_Member(place, asked, rows))
            size += count
        self._answer(batch, started, outcomes)
        return [outcomes[place] for place in range(len(requests))]

    def _answer(self, batch: list[_Member[AnswerT]], started: float, outcomes: dict[int, Outcome[AnswerT]]) -> None:
        predictions = self._together(batch) if len(batch) > 1 else None
        for index, (place, (exchange, headers, deadline), rows) in enumerate(batch):
            try:
                outcomes[place] = (
                    self._inference.answer_rows(exchange, rows, headers, started, deadline)
                    if predictions is None
                    else self._inference.answer_with(predictions[index], exchange, rows, headers, started)
                )
            except Exception as error:  # noqa: BLE001 - is handed back as this request's outcome
                outcomes[place] = error

    def _together(self, batch: list[_Member[AnswerT]]) -> list[Prediction] | None:
        """Each request's share of one prediction; None if it failed, so that each is asked alone."""
        try:
            whole = self._inference.predict(np.concatenate([member.rows.matrix for member in batch]))
        except Exception:  # noqa: BLE001 - whoever caused it is told by the call of its own
            return None
        shares, end = [], 0
        for member in batch:
            start, end = end, end + len(member.rows.matrix)
            labels = None if whole.labels is None else whole.labels[start:end]
            shares.append(Prediction(whole.probabilities[start:end], labels))
        return shares
