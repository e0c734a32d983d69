"""Whatever bytes a client sends, to whichever method: an answer, or a status that says that the client is to blame."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from grpc_parts import SERVICE, Served, matrix, serving
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from plain_messages import PlainInferRequest

BLAMED = {"INVALID_ARGUMENT", "NOT_FOUND", "UNIMPLEMENTED", "RESOURCE_EXHAUSTED"}
METHODS = [
    *(SERVICE + name for name in ("ServerLive", "ServerReady", "ModelReady", "ServerMetadata", "ModelMetadata")),
    *(SERVICE + name for name in ("ModelInfer", "RepositoryModelLoad", "RepositoryModelUnload", "ModelTrain")),
    "/grpc.health.v1.Health/Check",
]
NUMBERS = st.lists(st.integers(0, 3), max_size=4)
CONTENTS = st.fixed_dictionaries(
    {},
    optional={
        "bool_contents": st.lists(st.booleans(), max_size=4),
        **dict.fromkeys(("int_contents", "int64_contents", "uint_contents", "uint64_contents"), NUMBERS),
        **dict.fromkeys(("fp32_contents", "fp64_contents"), st.lists(st.floats(width=32), max_size=4)),
        "bytes_contents": st.lists(st.sampled_from([b"red", b"x", b"\xff", b""]), max_size=4),
    },
)
TENSOR = st.fixed_dictionaries(
    {
        "name": st.sampled_from(["late", "colour", "row_id", "event_timestamp", "m", ""]),
        "datatype": st.sampled_from(["FP16", "FP32", "FP64", "INT8", "UINT64", "BOOL", "BYTES", "x", ""]),
        "shape": st.lists(st.sampled_from([-(2**63), -1, 0, 1, 2, 2**62]), max_size=3),
    },
    optional={"contents": CONTENTS},
)
REQUEST = st.fixed_dictionaries(
    {"model_name": st.just("flights"), "inputs": st.lists(TENSOR, max_size=3)},
    optional={
        "id": st.text(max_size=3),
        "outputs": st.lists(st.fixed_dictionaries({"name": st.sampled_from(["label", "probabilities", "x"])})),
        "raw_input_contents": st.lists(st.binary(max_size=16), max_size=3),
    },
)
BOUNDED = settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    """A server."""
    with serving() as server:
        yield server


@pytest.fixture(scope="module")
def channel(served: Served) -> Iterator[grpc.Channel]:
    """A connection to it."""
    with grpc.insecure_channel(served.address) as channel:
        yield channel


@given(method=st.sampled_from(METHODS), message=st.binary(max_size=40))
@BOUNDED
def test_bytes(channel: grpc.Channel, method: str, message: bytes) -> None:
    """Bytes."""
    _answer_or_blame(channel, method, message)


@given(request=REQUEST)
@BOUNDED
def test_requests(channel: grpc.Channel, request: dict[str, Any]) -> None:
    """Messages that look like requests."""
    _answer_or_blame(channel, SERVICE + "ModelInfer", PlainInferRequest(**request).SerializeToString())


@given(place=st.integers(0, 60), value=st.integers(0, 255))
@BOUNDED
def test_requests_with_a_wrong_byte(channel: grpc.Channel, place: int, value: int) -> None:
    """A good request of which one byte is another."""
    message = bytearray(matrix(2, raw=bool(place % 2)))
    message[place % len(message)] = value
    _answer_or_blame(channel, SERVICE + "ModelInfer", bytes(message))


def _answer_or_blame(channel: grpc.Channel, method: str, message: bytes) -> None:
    try:
        channel.unary_unary(method)(message, timeout=30)
    except grpc.RpcError as error:
        assert error.code().name in BLAMED, error  # noqa: PT017 - an answer is right as well
