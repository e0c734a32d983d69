"""Calls as clients make them: answered in the form of the request, refused with a status and words."""

from __future__ import annotations

import struct
import threading
import time
import zlib
from collections.abc import Iterator
from typing import Any

import grpc
import numpy as np
import pytest
from grpc_parts import LARGE, SERVICE, Served, matrix, serving
from raw_client import RawClient

from serving.predictor.grpc.codes import Code
from serving.predictor.grpc.messages import HealthCheckRequest, HealthCheckResponse, ModelInferRequest

INFER = SERVICE + "ModelInfer"
CHECK = "/grpc.health.v1.Health/Check"


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    """One server for the tests that leave it as it is."""
    with serving() as server:
        yield server


@pytest.mark.parametrize("rows", [1, LARGE])
@pytest.mark.parametrize("raw", [False, True])
def test_answers(served: Served, rows: int, raw: bool) -> None:
    """The model's name and version, the request's id, and both outputs, raw where the request was."""
    answer = served.infer(matrix(rows, raw=raw, id="a"))
    assert (answer.model_name, answer.model_version, answer.id) == ("flights", "7", "a")
    described = [(tensor.name, tensor.datatype, list(tensor.shape)) for tensor in answer.outputs]
    assert described == [("probabilities", "FP32", [rows, 2]), ("label", "BYTES", [rows])]
    texts = answer.outputs[1].contents.bytes_contents
    pieces = answer.outputs[0].contents.fp32_contents if not raw else answer.raw_output_contents[:1]
    assert np.frombuffer(b"".join(pieces), "<f4").tolist() == [0.5, 0.5] * rows
    assert list(texts) == ([] if raw else [b"no"] * rows)
    assert answer.raw_output_contents[1:] == ([struct.pack("<I", 2) + b"no"] * rows and [b"\2\0\0\0no" * rows] * raw)


def test_outputs_asked_for(served: Served) -> None:
    """Only those, in that order."""
    answer = served.infer(matrix(1, outputs=[{"name": "label"}]))
    assert [tensor.name for tensor in answer.outputs] == ["label"]


def test_numbers_one_by_one(served: Served) -> None:
    """A client may send numbers without packing them."""
    tensor = b"\x0a\x01m\x12\x04FP32\x1a\x02\x01\x02"
    contents = b"".join(b"\x35" + struct.pack("<f", value) for value in (0.25, 1))
    inputs = tensor + b"\x2a" + bytes([len(contents)]) + contents
    message = ModelInferRequest(model_name="flights").SerializeToString() + b"\x2a" + bytes([len(inputs)]) + inputs
    answer = served.infer(message)
    assert np.frombuffer(answer.outputs[0].contents.fp32_contents[0], "<f4").tolist() == [0.75, 0.25]


@pytest.mark.parametrize("compression", [grpc.Compression.Gzip, grpc.Compression.Deflate])
def test_compressed(served: Served, compression: grpc.Compression) -> None:
    """Compressed messages are read."""
    assert served.infer(matrix(LARGE), compression=compression).outputs[0].shape == [LARGE, 2]


def test_too_large(served: Served) -> None:
    """RESOURCE_EXHAUSTED in gRPC's own words: as it is announced, or once it is decompressed."""
    for how in ({}, {"compression": grpc.Compression.Gzip}):
        code, words = served.refused(INFER, bytes(100_001), **how)
        assert (code, "message larger than max (100001 vs. 100000)" in words) == ("RESOURCE_EXHAUSTED", True)


def test_unknown_methods(served: Served) -> None:
    """UNIMPLEMENTED, whatever the message: of the service, of another, and what gRPC's health protocol streams."""
    for method in (SERVICE + "ModelTrain", "/other.Service/ModelInfer", "/grpc.health.v1.Health/Watch"):
        assert served.refused(method, b"\xff")[0] == "UNIMPLEMENTED"


def test_an_error_of_the_server(caplog: pytest.LogCaptureFixture) -> None:
    """INTERNAL without its text, which is in the log with its traceback."""
    with serving() as served:
        served.model.error = RuntimeError("secret")
        for rows in (1, LARGE):
            code, words = served.refused(INFER, matrix(rows))
            assert (code, words) == ("INTERNAL", "The server failed to answer; its log says why.")
    assert caplog.text.count("RuntimeError: secret") == 2


def test_words_that_are_no_ascii(served: Served) -> None:
    """Whatever a client sent is quoted, as far as a client takes headers."""
    name = "é%\n\U0001f600" * 3
    request = ModelInferRequest(model_name=name).SerializeToString()
    assert repr(name)[:5] in served.refused(INFER, request)[1]
    many = ModelInferRequest(model_name="flights", inputs=[{"name": "n" * 20_000}]).SerializeToString()
    code, words = served.refused(INFER, many)
    assert (code, words[:7], len(words)) == ("INVALID_ARGUMENT", "Input '", 4096)


def test_a_call_that_is_late_already(served: Served) -> None:
    """After its deadline a call is not predicted."""
    while served.model.asked.acquire(blocking=False):
        pass
    held = threading.Thread(target=lambda: served.loop.call_soon_threadsafe(time.sleep, 0.5))
    held.start()
    assert served.refused(INFER, matrix(1), timeout=0.1)[0] == "DEADLINE_EXCEEDED"
    held.join()
    assert served.infer(matrix(1)).model_version == "7"
    assert served.model.asked.acquire(timeout=30)
    assert not served.model.asked.acquire(blocking=False)


@pytest.mark.parametrize("timeout", ["1", "S", "123456789S", "1.5S", "-1S", "1x"])
def test_a_timeout_that_is_none(served: Served, timeout: str) -> None:
    """INVALID_ARGUMENT."""
    with RawClient(served.address) as client:
        client.ask({"grpc-timeout": timeout})
        assert client.status()[0] == "3"


def test_health(served: Served) -> None:
    """Kubernetes' probe is told whether the server wants requests; of services that are none, nothing."""
    status = HealthCheckResponse.FromString(served.call(CHECK)).status
    served.readiness.ready = False
    assert (status, HealthCheckResponse.FromString(served.call(CHECK)).status) == (1, 2)
    served.readiness.ready = True
    assert served.refused(CHECK, HealthCheckRequest(service="other").SerializeToString())[0] == "NOT_FOUND"


def test_too_many_calls() -> None:
    """One more than there may be is RESOURCE_EXHAUSTED; the others are answered, and then there is room again."""
    with serving(calls=2) as served, grpc.insecure_channel(served.address) as channel:
        served.model.may_answer.clear()
        infer = channel.unary_unary(INFER)
        held = [infer.future(matrix(LARGE), timeout=60) for _ in range(2)]
        served.model.asked.acquire()
        _poll(lambda: served.server._host.traffic._calls == 2)
        with pytest.raises(grpc.RpcError, match="Too many calls are under way") as refused:
            infer(matrix(1), timeout=60)
        assert refused.value.code().name == "RESOURCE_EXHAUSTED"
        served.model.may_answer.set()
        assert all(call.result() for call in held)
        assert infer(matrix(1), timeout=60)


def test_a_call_that_is_given_up() -> None:
    """What the client cancels makes room at once, and its answer is dropped."""
    with serving(calls=1) as served, grpc.insecure_channel(served.address) as channel:
        served.model.may_answer.clear()
        call = channel.unary_unary(INFER).future(matrix(LARGE), timeout=60)
        served.model.asked.acquire()
        call.cancel()
        _poll(lambda: served.server._host.traffic._calls == 0)
        served.model.may_answer.set()
        assert served.infer(matrix(LARGE)).model_version == "7"
    assert [code for _, code, _ in served.observed] == [Code.OK]


def test_every_call_is_observed(served: Served) -> None:
    """Once, with its path, its status and its seconds."""
    served.observed.clear()
    served.infer(matrix(1))
    served.refused(INFER, b"\xff")
    served.refused("/no/Method")
    calls = [(path, code.name) for path, code, _ in served.observed]
    assert calls == [(INFER, "OK"), (INFER, "INVALID_ARGUMENT"), ("", "UNIMPLEMENTED")]
    assert all(seconds > 0 for path, _, seconds in served.observed if path)


def _poll(condition: Any) -> None:
    while not condition():
        time.sleep(0.01)


def test_a_bomb(served: Served) -> None:
    """A message that decompresses to much more than the bound is not decompressed further than that."""
    bomb = zlib.compress(bytes(50_000_000))
    with RawClient(served.address) as client:
        client.ask({"grpc-encoding": "deflate"}, b"\1" + len(bomb).to_bytes(4) + bomb)
        assert client.status() == ("8", "Received message larger than max (100001 vs. 100000).")


def test_a_regression() -> None:
    """One output, the predicted numbers; a label is refused."""
    with serving(task="regression") as served:
        for raw in (False, True):
            (tensor,) = served.infer(matrix(2, raw=raw)).outputs
            assert (tensor.name, tensor.datatype, list(tensor.shape)) == ("prediction", "FP32", [2])
        assert served.refused(INFER, matrix(1, outputs=[{"name": "label"}]))[0] == "INVALID_ARGUMENT"
