"""What a path and a method are answered with, and what every answer carries."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable
from dataclasses import replace
from typing import Any

import pytest
from predictor_process import Bundle
from route_parts import Routes, matrix_of, routes_of

from serving.predictor.classifier import ServedClassifier
from serving.predictor.http.message import Request, Response
from serving.predictor.inference import Inference
from serving.predictor.readiness import Readiness
from serving.predictor.registry import REGISTRY
from serving.predictor.routes.server import table

INFER = "/v2/models/flights/infer"
PREDICT = "/v1/models/flights:predict"


@pytest.fixture(scope="module")
def routes(flights: Bundle) -> Routes:
    """The routes of the XGBoost model."""
    return routes_of(flights)


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("/", {"status": "alive"}),
        ("/v2/health/live", {"live": True}),
        ("/v2/health/ready", {"ready": True}),
        ("/v2/models", {"models": ["flights"]}),
        ("/v2/models/flights/ready", {"name": "flights", "ready": True}),
        ("/v2/models/flights/versions/7/ready", {"name": "flights", "ready": True}),
        ("/v1/models", {"models": ["flights"]}),
        ("/v1/models/flights", {"name": "flights", "ready": True}),
        ("/v2/models/fl%69ghts/ready", {"name": "flights", "ready": True}),
        ("/v2/health/live/", {"live": True}),
    ],
)
def test_pages(routes: Routes, path: str, answer: object) -> None:
    """Each page, however its path is escaped, and with a slash at its end."""
    found = routes.get(path)
    assert (found.status, json.loads(found.body)) == (200, answer)
    assert ("content-type", "application/json") in found.headers


def test_repository(routes: Routes) -> None:
    """The index names the one model."""
    found = routes.post("/v2/repository/index", {})
    assert json.loads(found.body) == [{"name": "flights", "version": "7", "state": "READY"}]


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", INFER, "POST"),
        ("PUT", PREDICT, "POST"),
        ("POST", "/v2/models/flights", "GET, HEAD"),
        ("DELETE", "/v2/health/live", "GET, HEAD"),
        ("OPTIONS", "/metrics", "GET, HEAD"),
        ("GET", "/v2/models/trains/infer", "POST"),
    ],
)
def test_another_method(routes: Routes, method: str, path: str, allowed: str) -> None:
    """405, and which method would do."""
    found = routes.ask(method, path)
    assert (found.status, json.loads(found.body)["error"]) == (405, f"{method} {path}: Method Not Allowed")
    assert ("allow", allowed) in found.headers


@pytest.mark.parametrize(
    "path",
    ["", "*", "v2", "//", "/v2/models//infer", "/v1/models/a/b", "/v2/models/flights/versions", "/v3", "/%ff"],
)
def test_no_such_path(routes: Routes, path: str) -> None:
    """404 in the protocol's shape, whatever the path is."""
    found = routes.get(path)
    assert (found.status, list(json.loads(found.body))) == (404, ["error"])


def test_a_long_path_is_not_sent_back(routes: Routes) -> None:
    """An error stays short."""
    for path in ("/" + "x" * 50_000, f"/v2/models/{'x' * 50_000}", f"/v2/models/flights/versions/{'8' * 50_000}"):
        found = routes.get(path)
        assert (found.status, len(found.body) < 1000) == (404, True)


def test_every_answer_carries_version_and_id(routes: Routes) -> None:
    """The model's version is in the headers of each answer, the request's id where it had one."""
    sent = {"x-request-id": "r-1"}
    for path, body, status in ((INFER, matrix_of(1), 200), (INFER, {}, 400), (INFER, matrix_of(300), 200)):
        found = routes.post(path, body, headers=sent)
        assert found.status == status
        assert {("x-model-version", "7"), ("x-request-id", "r-1")} <= set(found.headers)
    for path in ("/v2", "/nowhere", "/metrics", "/openapi.json"):
        assert ("x-model-version", "7") in routes.get(path).headers


def test_versions(routes: Routes) -> None:
    """The version may be in the path, and is in the body."""
    for path in (INFER, "/v2/models/flights/versions/7/infer"):
        assert json.loads(routes.post(path, matrix_of(1)).body)["model_version"] == "7"
    assert routes.post("/v2/models/flights/versions/8/infer", matrix_of(1)).status == 404


def test_not_ready(flights: Bundle) -> None:
    """Who asks is told 503 once the server is to end. It lives on, and answers what is asked still."""
    routes = routes_of(flights)
    routes.readiness.ready = False
    for path in ("/v2/health/ready", "/v2/models/flights/ready", "/v1/models/flights"):
        assert routes.get(path).status == 503
    assert routes.get("/v2/health/live").status == 200
    assert routes.post(INFER, matrix_of(1)).status == 200


def test_encodings(routes: Routes) -> None:
    """A body in an encoding that is not read is refused as that; `identity` is none."""
    assert routes.post(INFER, matrix_of(1), headers={"content-encoding": "br"}).status == 415
    assert routes.post(INFER, matrix_of(1), headers={"content-encoding": "identity"}).status == 200


@pytest.mark.parametrize("depth", [1023, 1025, 200_000])
@pytest.mark.parametrize("opened", [b"[", b'{"inputs":'])
def test_nested_json(routes: Routes, depth: int, opened: bytes) -> None:
    """However deep JSON is nested, it is the client's mistake."""
    closed = (b"]" if opened == b"[" else b"}") * depth
    for path in (INFER, PREDICT):
        assert routes.ask("POST", path, opened * depth + b"1" + closed).status == 400


@pytest.mark.parametrize("rows", [1, 300])
def test_an_error_that_nobody_foresaw(flights: Bundle, rows: int, caplog: pytest.LogCaptureFixture) -> None:
    """500 without its text, which is in the log."""

    class Broken:
        def probabilities(self, matrix: Any) -> Any:
            raise RuntimeError("/srv/secret")

    plane = replace(routes_of(flights).inference.plane, classifier=ServedClassifier(Broken(), accepts_missing=True))
    inference = Inference(plane, None)
    routes = Routes(table(inference, Readiness()), inference, Readiness())
    found = routes.post(INFER, matrix_of(rows))
    assert (found.status, json.loads(found.body)) == (500, {"error": "The server failed to answer; its log says why."})
    assert "/srv/secret" in caplog.text


def test_a_deadline_that_passed(routes: Routes, monkeypatch: pytest.MonkeyPatch) -> None:
    """A request that waited for the thread too long is not predicted any more."""
    monkeypatch.setattr("serving.predictor.inference.INLINE_SECONDS", 0.0)
    found = routes.post(INFER, matrix_of(300), deadline=0.0)
    assert (found.status, "waited too long" in found.body.decode()) == (504, True)


def test_many_rows_wait_for_a_thread_only_if_they_take_long(routes: Routes, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first large request tells how long a row takes."""
    fresh = Inference(routes.inference.plane, None)
    handler = table(fresh, Readiness())
    request = Request("POST", INFER, {}, json.dumps(matrix_of(300)).encode(), time.perf_counter())
    first = handler(request)
    assert not isinstance(first, Response)
    assert asyncio.run(_awaited(first)).status == 200
    monkeypatch.setattr("serving.predictor.inference.INLINE_SECONDS", 60.0)
    assert isinstance(handler(request), Response)


async def _awaited(answer: Awaitable[Response]) -> Response:
    return await answer


def test_what_is_counted(routes: Routes) -> None:
    """Requests by status, their seconds, and rows."""

    def counted(name: str, **labels: str) -> float:
        return REGISTRY.get_sample_value(name, labels) or 0.0

    def all_counted() -> list[float]:
        routes.get("/metrics")  # what was counted is told when somebody looks
        return [
            counted("predictor_requests_total", protocol="rest", status="200"),
            counted("predictor_requests_total", protocol="rest", status="400"),
            counted("predictor_failures_total", protocol="rest", status="400"),
            counted("predictor_request_seconds_count", protocol="rest"),
            counted("request_predict_seconds_count", model_name="flights"),
            counted("predictor_rows_total"),
        ]

    before = all_counted()
    for body in [matrix_of(2), matrix_of(300), {}]:
        routes.post(INFER, body)
    assert [now - then for now, then in zip(all_counted(), before, strict=True)] == [2, 1, 1, 2, 2, 302]


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [(None, "text/plain"), ("*/*", "text/plain"), ("application/openmetrics-text", "application/openmetrics-text")],
)
def test_forms_of_metrics(routes: Routes, accept: str | None, content_type: str) -> None:
    """Prometheus gets the form that it asks for."""
    found = routes.ask("GET", "/metrics", headers={} if accept is None else {"accept": accept})
    assert dict(found.headers)["content-type"].startswith(content_type)
    assert b"predictor_failures" in found.body
