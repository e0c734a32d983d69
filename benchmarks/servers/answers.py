"""Asking once and reading the answer: the proof that what is timed is the same work everywhere."""

from __future__ import annotations

import http.client
import json
from dataclasses import dataclass
from typing import Any

import numpy as np

from contracts.errors import DriftloopError
from servers import forms
from servers.contenders import Running
from servers.forms import Asked
from servers.models import Matrix

TOLERANCE = 1e-6
_SECONDS = 60


class CannotError(DriftloopError):
    """A server does not answer this form of request."""


@dataclass(frozen=True)
class Answer:
    """What a server said to one request."""

    scores: Matrix
    """The second class's probability of each row."""
    bytes: int
    """Length of the body, gRPC's frame included."""


def ask(server: Running, request: Asked) -> Answer:
    """Its answer. CannotError in the server's own words."""
    if request.form == forms.GRPC:
        return _ask_grpc(server, request)
    connection = http.client.HTTPConnection("127.0.0.1", server.http_port, timeout=_SECONDS)
    try:
        connection.request("POST", request.path, request.body, request.headers)
        answer = connection.getresponse()
        body, length = answer.read(), answer.headers.get(forms.JSON_LENGTH)
    finally:
        connection.close()
    if answer.status != 200:
        last = body.decode(errors="replace").strip().rpartition("\n")[2]  # of a traceback, the error
        raise CannotError(f"HTTP {answer.status}: {last[:150]}")
    if request.form == forms.BINARY and length is None:
        raise CannotError("the answer is not binary")
    found = _of_json(json.loads(body)) if length is None else _of_binary(body, int(length))
    return Answer(_second(*found), len(body))


def require_same(name: str, found: Matrix, expected: Matrix, *, is_exact: bool) -> None:
    """DriftloopError unless the answers are the library's: to the bit, or within TOLERANCE."""
    if found.shape != expected.shape:
        raise DriftloopError(f"{name} answers with {found.shape} probabilities; expected {expected.shape}.")
    furthest = float(np.abs(found.astype(np.float64) - expected.astype(np.float64)).max())
    if furthest > TOLERANCE or (is_exact and not np.array_equal(found, expected)):
        allowed = "0" if is_exact else f"{TOLERANCE:g}"
        raise DriftloopError(f"{name} answers {furthest:g} away from the model's own library; allowed is {allowed}.")


def _ask_grpc(server: Running, request: Asked) -> Answer:
    import grpc
    from tritonclient.grpc import service_pb2

    with grpc.insecure_channel(f"127.0.0.1:{server.grpc_port}") as channel:
        call = channel.unary_unary(
            request.path,
            request_serializer=lambda asked: asked.body[5:],  # gRPC frames it itself
            response_deserializer=service_pb2.ModelInferResponse.FromString,
        )
        try:
            answer = call(request, timeout=_SECONDS, wait_for_ready=True)
        except grpc.RpcError as error:
            raise CannotError(f"gRPC {error.code().name}: {error.details()[:150]}") from error
    first = answer.outputs[0]
    if answer.raw_output_contents:
        values = np.frombuffer(answer.raw_output_contents[0], _dtype(first.datatype))
    else:
        values = np.array(first.contents.fp32_contents or first.contents.fp64_contents)
    return Answer(_second(values, list(first.shape)), answer.ByteSize() + 5)


def _of_json(answer: dict[str, Any]) -> tuple[Any, list[int]]:
    if "scores" in answer:
        return answer["scores"], [len(answer["scores"])]
    first = answer["outputs"][0]
    return first["data"], first["shape"]


def _of_binary(body: bytes, length: int) -> tuple[Any, list[int]]:
    first = json.loads(body[:length])["outputs"][0]
    size = first["parameters"]["binary_data_size"]
    return np.frombuffer(body[length : length + size], _dtype(first["datatype"])), first["shape"]


def _dtype(datatype: str) -> str:
    return {"FP32": "<f4", "FP64": "<f8"}[datatype]


def _second(values: Any, shape: list[int]) -> Matrix:
    """One probability a row, whether the server tells one or one a class."""
    rows = np.asarray(values, dtype=np.float32).reshape(shape[0], -1)
    return rows[:, -1]
