"""A client's mistake in V2 gRPC ends the call with INVALID_ARGUMENT or NOT_FOUND and says what is wrong."""

from __future__ import annotations

from typing import Any

import grpc
import numpy as np
import pytest
from plain_messages import PlainInferRequest
from predictor_process import Server

from serving.predictor.grpc import messages as pb

FLOATS = np.zeros(4, "<f4").tobytes()
AROUND: dict[str, tuple[dict[str, Any], str]] = {
    "no inputs": ({"inputs": []}, "The request has no inputs"),
    "unknown output": ({"outputs": [{"name": "score"}]}, "Unknown output 'score'"),
    "output twice": ({"outputs": [{"name": "label"}] * 2}, "Output 'label' is asked for twice"),
    "raw for none": ({"raw_input_contents": [FLOATS] * 2}, "2 raw contents for 1 inputs"),
    "both contents": ({"raw_input_contents": [FLOATS]}, "contents and raw contents"),
}
INPUT: dict[str, tuple[dict[str, Any], str]] = {
    "unknown datatype": ({"datatype": "FP31"}, "datatype 'FP31'; expected one of"),
    "contents of another datatype": ({"datatype": "FP64"}, "0 values; its shape [1, 4] expects 4"),
    "shape and contents differ": ({"shape": [2, 4]}, "4 values; its shape [2, 4] expects 8"),
    "negative shape": ({"shape": [-1, -4]}, "4 values; its shape [-1, -4]"),
    "narrow matrix": ({"shape": [2, 2]}, "shape [2, 2]; expected [rows, 4]"),
    "column that is none": ({"name": "wings", "shape": [4]}, "Unknown input 'wings'"),
    "missing features": ({"name": "hour", "shape": [4, 1]}, "Feature 'distance' is missing"),
    "infinity": ({"contents": {"fp32_contents": [float("inf"), 0, 0, 0]}}, "expected a finite number"),
    "too many rows": ({"shape": [1001, 4], "contents": {"fp32_contents": [0] * 4004}}, "1001 rows; expected at most"),
}


@pytest.mark.parametrize(("changed", "message"), AROUND.values(), ids=AROUND)
def test_around_the_inputs(sturdy_server: Server, changed: dict[str, Any], message: str) -> None:
    """INVALID_ARGUMENT."""
    request = {"model_name": "flights", "inputs": [_matrix({})]} | changed
    _assert_refused(sturdy_server, PlainInferRequest(**request), "INVALID_ARGUMENT", message)


@pytest.mark.parametrize(("changed", "message"), INPUT.values(), ids=INPUT)
def test_input(sturdy_server: Server, changed: dict[str, Any], message: str) -> None:
    """The same for an input."""
    request = PlainInferRequest(model_name="flights", inputs=[_matrix(changed)])
    _assert_refused(sturdy_server, request, "INVALID_ARGUMENT", message)


def test_no_message(sturdy_server: Server) -> None:
    """Bytes that are no message at all, and a method that is none."""
    with grpc.insecure_channel(sturdy_server.grpc_address) as channel:
        for method, code in (("ModelInfer", "INVALID_ARGUMENT"), ("ModelTrain", "UNIMPLEMENTED")):
            call = _method(channel, method)
            with pytest.raises(grpc.RpcError) as error:
                call(b"\xff\xff", timeout=30)
            assert error.value.code().name == code


def test_large_message(sturdy_server: Server) -> None:
    """More bytes than the bound: gRPC's own refusal."""
    request = PlainInferRequest(inputs=[_matrix({"contents": {"fp32_contents": [0] * 300_000}})])
    _assert_refused(sturdy_server, request, "RESOURCE_EXHAUSTED", "larger than max")


def test_unknown_model(sturdy_server: Server) -> None:
    """NOT_FOUND for a model or a version that is not there."""
    inputs = [_matrix({})]
    _assert_refused(sturdy_server, PlainInferRequest(model_name="trains", inputs=inputs), "NOT_FOUND", "trains")
    other = PlainInferRequest(model_name="flights", model_version="8", inputs=inputs)
    _assert_refused(sturdy_server, other, "NOT_FOUND", "no version '8'; expected '7'")


def test_operations_not_offered(sturdy_server: Server) -> None:
    """No client loads or unloads models; unknown models and versions have no metadata."""
    with grpc.insecure_channel(sturdy_server.grpc_address) as channel:
        flights = pb.ModelReadyRequest(name="flights")
        calls: tuple[tuple[str, Any], ...] = (
            ("RepositoryModelUnload", flights),
            ("RepositoryModelLoad", flights),
            ("ModelMetadata", pb.ModelMetadataRequest(name="trains")),
            ("ModelMetadata", pb.ModelMetadataRequest(name="flights", version="8")),
            ("ModelReady", pb.ModelReadyRequest(name="flights", version="8")),
        )
        for method, request in calls:
            with pytest.raises(grpc.RpcError) as error:
                _method(channel, method)(request.SerializeToString(), timeout=30)
            assert error.value.code().name == "NOT_FOUND"
        described = _method(channel, "ModelMetadata")(flights.SerializeToString(), timeout=30)
        assert pb.ModelMetadataResponse.FromString(described).versions == ["7"]


def _method(channel: grpc.Channel, name: str) -> Any:
    return channel.unary_unary(f"/inference.GRPCInferenceService/{name}")


def _matrix(changed: dict[str, Any]) -> dict[str, Any]:
    good = {"name": "m", "datatype": "FP32", "shape": [1, 4], "contents": {"fp32_contents": [0, 0, 0, 0]}}
    return good | changed


def _assert_refused(server: Server, request: Any, code: str, message: str) -> None:
    with grpc.insecure_channel(server.grpc_address) as channel, pytest.raises(grpc.RpcError) as error:
        _method(channel, "ModelInfer")(request.SerializeToString(), timeout=30)
    assert (error.value.code().name, message in error.value.details()) == (code, True), error.value.details()
