"""Every protocol and every form of the same rows gives the same answer, bit for bit the native library's."""

from __future__ import annotations

import asyncio
import json
import struct
import subprocess
from collections.abc import Coroutine
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from kserve import InferenceGRPCClient, InferenceRESTClient, InferInput, InferRequest, InferResponse, RESTConfig
from kserve.protocol.infer_type import RequestedOutput
from predictor_process import Bundle, Server

INFER = "/v2/models/flights/infer"
PREDICT = "/v1/models/flights:predict"


def test_v1_objects(flights: Bundle, flights_server: Server) -> None:
    """V1 with an object a row; null is missing."""
    names = list(flights.columns)
    rows = [dict(zip(names, row, strict=True)) for row in zip(*flights.columns.values(), strict=True)]
    status, body, headers = flights_server.post(PREDICT, {"instances": rows})
    assert status == 200
    assert headers["x-model-version"] == "7"
    _assert_v1(body, flights)


def test_v1_lists(flights: Bundle, flights_server: Server) -> None:
    """V1 with a list a row: the matrix, with null for NaN."""
    _, body, _ = flights_server.post(PREDICT, {"instances": _with_none(flights.matrix)})
    _assert_v1(body, flights)


def test_v1_by_kserves_client(flights: Bundle, flights_server: Server) -> None:
    """kserve's REST client speaks V1 with it."""
    body = {"instances": _with_none(flights.matrix[:3])}
    answer = _run(_rest("v1", flights_server, body))
    assert [row["label"] for row in answer["predictions"]] == _labels(flights)[:3]


def test_v2_columns_by_kserves_client(flights: Bundle, flights_server: Server) -> None:
    """kserve's REST client, one JSON input a feature; the request's id comes back."""
    answer = _run(_rest("v2", flights_server, InferRequest("flights", _columns(flights), request_id="42")))
    assert (answer.id, answer.model_name) == ("42", "flights")
    _assert_v2(answer, flights)


@pytest.mark.parametrize("binary", [False, True])
def test_v2_matrix_by_kserves_client(flights: Bundle, flights_server: Server, binary: bool) -> None:
    """kserve's REST client, one matrix, as JSON and as binary tensors both ways. NaN is missing in binary."""
    request = InferRequest("flights", [_matrix(flights, binary)], parameters={"binary_data_output": binary})
    _assert_v2(_run(_rest("v2", flights_server, request)), flights)


@pytest.mark.parametrize("raw", [False, True])
def test_grpc_matrix_by_kserves_client(flights: Bundle, flights_server: Server, raw: bool) -> None:
    """kserve's gRPC client, one matrix, as typed and as raw contents."""
    request = InferRequest("flights", [_matrix(flights, raw)], request_id="42")
    answer = _run(_grpc(flights_server, request))
    assert (answer.id, answer.model_name, answer.model_version) == ("42", "flights", "7")
    _assert_v2(answer, flights)


@pytest.mark.parametrize("raw", [False, True])
def test_grpc_columns_by_kserves_client(flights: Bundle, flights_server: Server, raw: bool) -> None:
    """kserve's gRPC client, one input a feature of various datatypes, as typed and as raw contents."""
    inputs = _typed_columns(flights)
    for tensor, values in inputs:
        tensor.set_data_from_numpy(values, binary_data=raw)
    answer = _run(_grpc(flights_server, InferRequest("flights", [tensor for tensor, _ in inputs])))
    _assert_v2(answer, flights)


def test_curl(flights: Bundle, flights_server: Server) -> None:
    """curl with nothing but -d gets an answer."""
    row = {name: values[0] for name, values in flights.columns.items()}
    line = ["curl", "-sS", "--fail-with-body", flights_server.url + PREDICT, "-d", json.dumps({"instances": [row]})]
    answer = json.loads(subprocess.run(line, capture_output=True, check=True, timeout=30).stdout)
    assert answer["predictions"][0]["label"] == _labels(flights)[0]
    assert answer["predictions"][0]["probabilities"] == {
        "on_time": float(flights.expected[0, 0]),
        "late": float(flights.expected[0, 1]),
    }


def test_scikit_learn(pipeline: Bundle, pipeline_server: Server) -> None:
    """A pipeline of three classes: V1, V2 columns and V2 matrix agree with predict_proba."""
    rows = [dict(zip("abc", row, strict=True)) for row in _with_none(pipeline.matrix)]
    _assert_v1(pipeline_server.post(PREDICT, {"instances": rows})[1], pipeline)
    for request in (
        InferRequest("flights", _columns(pipeline)),
        InferRequest("flights", [_matrix(pipeline, binary=False)]),
        InferRequest("flights", [_matrix(pipeline, binary=True)]),
    ):
        _assert_v2(_run(_rest("v2", pipeline_server, request)), pipeline)


@pytest.mark.parametrize("names", [["label"], ["probabilities"], ["label", "probabilities"]])
def test_outputs_are_selected(flights: Bundle, flights_server: Server, names: list[str]) -> None:
    """Only the outputs asked for come back, in that order, over REST and gRPC."""
    wanted = [RequestedOutput(name) for name in names]
    for answer in (
        _run(_rest("v2", flights_server, InferRequest("flights", _columns(flights), request_outputs=wanted))),
        _run(_grpc(flights_server, InferRequest("flights", [_matrix(flights, True)], request_outputs=wanted))),
    ):
        assert [output.name for output in answer.outputs] == names


def test_one_binary_output_among_json(flights: Bundle, flights_server: Server) -> None:
    """binary_data of an output counts for that output; its bytes follow the JSON."""
    request = {
        "inputs": [{"name": "m", "shape": [2, 4], "datatype": "FP64", "data": _with_none(flights.matrix[:2])}],
        "outputs": [{"name": "label", "parameters": {"binary_data": True}}, {"name": "probabilities"}],
    }
    status, body, headers = flights_server.post(INFER, request)
    length = int(headers["inference-header-content-length"])
    label, probabilities = json.loads(body[:length])["outputs"]
    texts = b"".join(struct.pack("<I", len(text)) + text.encode() for text in _labels(flights)[:2])
    assert (status, body[length:]) == (200, texts)
    assert label["parameters"] == {"binary_data_size": len(texts)}
    assert probabilities["data"] == flights.expected[:2].ravel().tolist()


def test_no_id_none_back(flights: Bundle, flights_server: Server) -> None:
    """A request without an id is answered without one; its X-Request-Id and the model's version come back."""
    request = {"inputs": [{"name": "m", "shape": [1, 4], "datatype": "FP32", "data": [None] * 4}]}
    _, body, headers = flights_server.post(INFER, request, {"X-Request-Id": "trace-1"})
    answer = json.loads(body)
    assert "id" not in answer
    assert (answer["model_name"], answer["model_version"]) == ("flights", "7")
    assert headers["x-request-id"] == "trace-1"


def test_metadata(flights_server: Server) -> None:
    """The metadata tells the real inputs, outputs, version and platform."""
    found = json.loads(flights_server.get("/v2/models/flights")[1])
    assert found == json.loads(flights_server.get("/v2/models/flights/versions/7")[1])
    assert found == {
        "name": "flights",
        "versions": ["7"],
        "platform": "xgboost_ubj",
        "inputs": [
            {"name": "distance", "datatype": "FP32", "shape": [-1]},
            {"name": "hour", "datatype": "FP32", "shape": [-1]},
            {"name": "carrier", "datatype": "BYTES", "shape": [-1]},
            {"name": "holiday", "datatype": "FP32", "shape": [-1]},
        ],
        "outputs": [
            {"name": "probabilities", "datatype": "FP32", "shape": [-1, 2]},
            {"name": "label", "datatype": "BYTES", "shape": [-1]},
        ],
    }


def test_health(flights_server: Server) -> None:
    """Live, ready, ready by model and version, and the list of models."""
    for path in ("/", "/v2/health/live", "/v2/health/ready", "/v2/models/flights/ready", "/v1/models/flights"):
        assert flights_server.get(path)[0] == 200, path
    assert json.loads(flights_server.get("/v2/models/flights/versions/7/ready")[1]) == {
        "name": "flights",
        "ready": True,
    }
    assert json.loads(flights_server.get("/v1/models")[1]) == {"models": ["flights"]}
    assert json.loads(flights_server.get("/v2")[1])["extensions"] == ["binary_tensor_data"]


def test_grpc_health_and_metadata(flights_server: Server) -> None:
    """The same over gRPC."""

    async def ask() -> None:
        async with InferenceGRPCClient(flights_server.grpc_address) as client:
            assert await client.is_server_live()
            assert await client.is_server_ready()
            assert await client.is_model_ready("flights")

    _run(ask())


def test_the_greatest_batch(flights: Bundle, flights_server: Server) -> None:
    """As many rows as are allowed, which a thread predicts, are answered whole."""
    matrix = np.tile(flights.matrix, (3, 1))[:1000]
    request = {"inputs": [{"name": "m", "shape": [1000, 4], "datatype": "FP32", "data": _with_none(matrix)}]}
    _, body, _ = flights_server.post(INFER, request)
    assert json.loads(body)["outputs"][0]["data"] == np.tile(flights.expected, (3, 1))[:1000].ravel().tolist()


def _columns(bundle: Bundle) -> list[InferInput]:
    return [
        InferInput(feature.name, [len(bundle.matrix)], _datatype(values), values)
        for feature, values in zip(bundle.card.features, bundle.columns.values(), strict=True)
    ]


def _datatype(values: list[Any]) -> str:
    return {str: "BYTES", bool: "BOOL", int: "INT64", float: "FP32"}[type(next(v for v in values if v is not None))]


def _typed_columns(bundle: Bundle) -> list[tuple[InferInput, npt.NDArray[Any]]]:
    rows = len(bundle.matrix)
    arrays = {
        "distance": bundle.matrix[:, 0].astype(np.float64).reshape(rows, 1),
        "hour": np.array(bundle.columns["hour"], dtype=np.uint8),
        "carrier": np.array(bundle.columns["carrier"], dtype=object),
        "holiday": np.array(bundle.columns["holiday"]),
    }
    datatypes = {"distance": "FP64", "hour": "UINT8", "carrier": "BYTES", "holiday": "BOOL"}
    return [(InferInput(name, list(array.shape), datatypes[name]), array) for name, array in arrays.items()]


def _matrix(bundle: Bundle, binary: bool) -> InferInput:
    tensor = InferInput("matrix", list(bundle.matrix.shape), "FP32")
    tensor.set_data_from_numpy(bundle.matrix, binary_data=binary)
    return tensor


async def _rest(protocol: str, server: Server, request: Any) -> Any:
    client = InferenceRESTClient(RESTConfig(protocol=protocol, retries=0))
    try:
        return await client.infer(server.url, request, model_name="flights")
    finally:
        await client.close()


async def _grpc(server: Server, request: InferRequest) -> InferResponse:
    async with InferenceGRPCClient(server.grpc_address) as client:
        return await client.infer(request)


def _run(coroutine: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(coroutine)


def _assert_v1(body: bytes, bundle: Bundle) -> None:
    predictions = json.loads(body)["predictions"]
    found = np.array([list(row["probabilities"].values()) for row in predictions])
    np.testing.assert_array_equal(found, bundle.expected.astype(np.float64))
    assert [row["label"] for row in predictions] == _labels(bundle)
    assert list(predictions[0]["probabilities"]) == list(bundle.card.labels)


def _assert_v2(answer: InferResponse, bundle: Bundle) -> None:
    outputs = {output.name: output for output in answer.outputs}
    assert (outputs["probabilities"].datatype, outputs["label"].datatype) == ("FP32", "BYTES")
    np.testing.assert_array_equal(outputs["probabilities"].as_numpy(), bundle.expected)
    texts = [text.decode() if isinstance(text, bytes) else text for text in outputs["label"].as_numpy()]
    assert texts == _labels(bundle)


def _labels(bundle: Bundle) -> list[str]:
    return [bundle.card.labels[index] for index in bundle.expected.argmax(axis=1)]


def _with_none(matrix: npt.NDArray[np.float32]) -> list[list[float | None]]:
    return [[None if np.isnan(value) else value for value in row] for row in matrix.tolist()]
