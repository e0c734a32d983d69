"""The OpenAPI document is true of the model that is served."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from jsonschema import Draft202012Validator
from predictor_process import Bundle
from route_parts import Routes, routes_of

from serving.predictor.classifier import ServedClassifier
from serving.predictor.inference import Inference
from serving.predictor.readiness import Readiness
from serving.predictor.routes.server import table

INFER = "/v2/models/flights/infer"
PREDICT = "/v1/models/flights:predict"
ROW = {"distance": 1.5, "hour": 7, "carrier": "AA", "holiday": False}


@pytest.fixture(scope="module")
def routes(flights: Bundle) -> Routes:
    """The routes of the XGBoost model."""
    return routes_of(flights, "--max-rows", "3")


@pytest.fixture(scope="module")
def document(routes: Routes) -> dict[str, Any]:
    """What they say of themselves."""
    found: dict[str, Any] = json.loads(routes.get("/openapi.json").body)
    return found


def validator(document: dict[str, Any], name: str) -> Draft202012Validator:
    """A validator of one of the document's schemas."""
    return Draft202012Validator({"$ref": f"#/components/schemas/{name}", "components": document["components"]})


def test_every_page_is_there(routes: Routes, document: dict[str, Any]) -> None:
    """Every path that is told can be asked, with the method that is told."""
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            found = routes.ask(method.upper(), path, b"{}")
            assert str(found.status) in operation["responses"], (path, found)
            assert operation["responses"][str(found.status)]["content"]


@pytest.mark.parametrize(
    ("instances", "status"),
    [
        ([ROW], 200),
        ([[1, 2, 0, None]] * 3, 200),
        ([ROW | {"row_id": "a", "event_timestamp": "2013-03-01T12:00:00Z"}], 200),
        ([ROW | {"row_id": "a"}], 200),
        ([ROW | {"row_id": "a"}, ROW], 400),
        ([ROW | {"carrier": "never seen", "hour": None}], 200),
        ([], 400),
        ([{}], 400),
        ([ROW | {"wings": 2}], 400),
        ([ROW | {"hour": "7"}], 400),
        ([ROW | {"distance": 1e39}], 400),
        ([[1, 2, 7, 0]], 400),
        ([[1, True, False, 3.402823466385289e38]], 200),
        ([[1, 2, 0]], 400),
        ([ROW] * 4, 413),
    ],
)
def test_v1(routes: Routes, document: dict[str, Any], instances: list[Any], status: int) -> None:
    """A request is answered if the schema lets it pass, and only then; the answer has its schema."""
    found = routes.post(PREDICT, {"instances": instances})
    assert found.status == status
    assert validator(document, "V1Request").is_valid({"instances": instances}) == (status == 200)
    validator(document, "V1Answer" if status == 200 else "Error").validate(json.loads(found.body))


def test_v2_examples(routes: Routes, document: dict[str, Any]) -> None:
    """The examples are valid, are answered, and the answers are valid."""
    requests = document["components"]["schemas"]["V2Request"]["examples"]
    assert len(requests) == 2
    for request in requests:
        validator(document, "V2Request").validate(request)
        found = routes.post(INFER, request)
        assert found.status == 200, found.body
        validator(document, "V2Answer").validate(json.loads(found.body))


@pytest.mark.parametrize(
    "changed",
    [
        {"inputs": []},
        {"inputs": 7},
        {"id": 7},
        {"outputs": [{"name": "score"}]},
        {"inputs": [{"name": "m", "shape": [1, 3], "datatype": "FP32", "data": [0] * 4}]},
        {"inputs": [{"name": "m", "shape": [1, 4], "datatype": "INT8", "data": [0] * 4}]},
        {"inputs": [{"name": "hour", "shape": [1], "datatype": "FP32", "data": [0]}]},
    ],
)
def test_v2_mistakes(routes: Routes, document: dict[str, Any], changed: dict[str, Any]) -> None:
    """What the schema refuses, the server does, too."""
    request = document["components"]["schemas"]["V2Request"]["examples"][0] | changed
    assert not validator(document, "V2Request").is_valid(request)
    assert routes.post(INFER, request).status == 400


def test_scikit_learn(pipeline: Bundle) -> None:
    """Another model has another document."""
    document = json.loads(routes_of(pipeline).get("/openapi.json").body)
    row = document["components"]["schemas"]["V1Request"]["properties"]["instances"]["anyOf"][0]["items"]
    assert list(row["properties"]) == ["a", "b", "c"]


def test_regression(flights: Bundle) -> None:
    """A model that predicts a number says so."""
    plane = routes_of(flights).inference.plane
    card = plane.card.model_copy(update={"task": "regression", "labels": ()})
    classifier = ServedClassifier(Constant(), accepts_missing=True)
    inference, readiness = Inference(replace(plane, card=card, classifier=classifier), None), Readiness()
    routes = Routes(table(inference, readiness), inference, readiness)
    document = json.loads(routes.get("/openapi.json").body)
    outputs = json.loads(routes.get("/v2/models/flights").body)["outputs"]
    assert outputs == [{"name": "prediction", "datatype": "FP32", "shape": [-1]}]
    for path, request, answer in (
        (PREDICT, {"instances": [ROW]}, "V1Answer"),
        (INFER, document["components"]["schemas"]["V2Request"]["examples"][0], "V2Answer"),
    ):
        found = routes.post(path, request)
        assert found.status == 200, found.body
        validator(document, answer).validate(json.loads(found.body))


class Constant:
    """A model to which all rows are alike."""

    def probabilities(self, matrix: Any) -> Any:
        """See Classifier."""
        return np.full((len(matrix), 1), 7.5, np.float32)
