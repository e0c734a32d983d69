"""Requests that wait together are answered as each would be alone, whatever is wrong with the others."""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from predictor_process import Bundle
from route_parts import Routes, matrix_of, routes_of

from serving.errors import InvalidRequestError
from serving.predictor.batches import Batches
from serving.predictor.classifier import ServedClassifier
from serving.predictor.http.message import Request, Response
from serving.predictor.inference import Inference
from serving.predictor.readiness import Readiness
from serving.predictor.routes.batch import Batch
from serving.predictor.routes.server import table

INFER = "/v2/models/flights/infer"


class Counting:
    """A model that refuses rows whose hour is negative, and notes how many rows each call had."""

    def __init__(self) -> None:
        self.calls: list[int] = []

    def probabilities(self, matrix: Any) -> Any:
        """See Classifier."""
        self.calls.append(len(matrix))
        if (matrix[:, 1] < 0).any():
            raise InvalidRequestError("The hour is negative.")
        return np.stack([matrix[:, 0], 1 - matrix[:, 0]], axis=1)


@pytest.fixture
def model() -> Counting:
    """A model of its own for each test."""
    return Counting()


@pytest.fixture
def routes(flights: Bundle, model: Counting) -> Routes:
    """The routes of that model."""
    plane = routes_of(flights).inference.plane
    plane = replace(plane, classifier=ServedClassifier(model, accepts_missing=True))
    inference, readiness = Inference(plane, None), Readiness()
    return Routes(table(inference, readiness), inference, readiness)


def answers(routes: Routes, requests: list[Request], most_rows: int) -> list[Response]:
    """What they are answered together."""
    batch = Batch(routes.handler, Batches(routes.inference, most_rows))

    async def wait() -> list[Response]:
        found = batch(requests)
        return [answer if isinstance(answer, Response) else await answer for answer in found]

    return asyncio.run(wait())


def asked(body: Any, path: str = INFER, method: str = "POST", **headers: str) -> Request:
    """A request as the connections hand it over."""
    return Request(method, path, headers, json.dumps(body).encode(), time.perf_counter())


def row(value: float, hour: int = 1) -> dict[str, Any]:
    """A V2 request of one row, whose first probability is this value."""
    return {"inputs": [{"name": "m", "shape": [1, 4], "datatype": "FP32", "data": [value, hour, 0, 0]}]}


def first(response: Response) -> float:
    """The first probability of an answer."""
    return float(json.loads(response.body)["outputs"][0]["data"][0])


def test_one_call(routes: Routes, model: Counting) -> None:
    """Requests that fit are one call; each gets its own rows."""
    found = answers(routes, [asked(row(0.25)), asked(row(0.5)), asked(row(0.75))], 32)
    assert [first(response) for response in found] == [0.25, 0.5, 0.75]
    assert model.calls == [3]


def test_others_among_them(routes: Routes, model: Counting) -> None:
    """A bad request, a large one, another page and another encoding are answered as ever, in their places."""
    requests = [
        asked(row(0.25)),
        asked({}),
        asked(matrix_of(300)),
        asked(None, "/v2/health/live", "GET"),
        asked(row(0.5), **{"content-encoding": "gzip"}),
        asked(row(0.75)),
    ]
    found = answers(routes, requests, 32)
    assert [response.status for response in found] == [200, 400, 200, 200, 415, 200]
    assert (first(found[0]), first(found[5])) == (0.25, 0.75)


def test_full_batches(routes: Routes, model: Counting) -> None:
    """No call has more rows than a batch may have."""
    found = answers(routes, [asked(row(0.5))] * 5, 2)
    assert [response.status for response in found] == [200] * 5
    assert model.calls == [2, 2, 1]


def test_a_row_that_the_model_refuses(routes: Routes) -> None:
    """Only the request that has it is refused."""
    found = answers(routes, [asked(row(0.25)), asked(row(0.5, hour=-1)), asked(row(0.75))], 32)
    assert [response.status for response in found] == [200, 400, 200]
    assert "hour is negative" in found[1].body.decode()


def test_by_a_process(flights: Bundle, serve: Any) -> None:
    """--batch-rows changes nothing that a client sees."""
    server = serve(flights.folder, "--batch-rows", "32")
    status, body, _ = server.post(INFER, matrix_of(2))
    assert (status, json.loads(body)["outputs"][0]["shape"]) == (200, [2, 2])
