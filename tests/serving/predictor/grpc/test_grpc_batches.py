"""Calls that come together may share one prediction."""

from __future__ import annotations

import ngh2
import numpy as np
from grpc_parts import LARGE, Served, matrix, serving
from raw_client import RawClient

from serving.predictor.grpc.messages import ModelInferRequest, ModelInferResponse


def test_calls_that_come_together() -> None:
    """One prediction, and to each its own answer, whatever the others ask."""
    with serving(batch_rows=64) as served, RawClient(served.address) as client:
        bodies = [_one(0.25), b"\xff", _one(0.75), matrix(1, model_name="trains"), _one(float("inf"))]
        streams = [_ask(client, body) for body in bodies]
        assert _answers(client, streams) == [0.25, "3", 0.75, "5", "3"]
        assert _predictions(served) == 1


def test_a_large_one_among_them() -> None:
    """It is predicted by itself, beside the event loop."""
    with serving(batch_rows=64) as served, RawClient(served.address) as client:
        streams = [_ask(client, body) for body in (_one(0.25), matrix(LARGE), _one(0.75))]
        assert _answers(client, streams) == [0.25, 0.5, 0.75]


def test_a_model_that_fails() -> None:
    """Every call is told."""
    with serving(batch_rows=64) as served, RawClient(served.address) as client:
        served.model.error = RuntimeError()
        assert _answers(client, [_ask(client, _one(0.25)) for _ in range(2)]) == ["13", "13"]


def _one(value: float) -> bytes:
    tensor = {"name": "m", "datatype": "FP32", "shape": [1, 2]}
    raw = np.array([value, 1], "<f4").tobytes()
    request = ModelInferRequest(model_name="flights", inputs=[tensor], raw_input_contents=[raw])
    message: bytes = request.SerializeToString()
    return message


def _ask(client: RawClient, message: bytes) -> int:
    stream: int = client.ask({}, b"\0" + len(message).to_bytes(4) + message, sent=False)
    return stream


def _answers(client: RawClient, streams: list[int]) -> list[float | str]:
    """Each call's first second probability, or its status."""
    client.send()
    bodies = dict.fromkeys(streams, b"")
    statuses: dict[int, str] = {}
    while len(statuses) < len(streams):
        for event in client.events():
            if isinstance(event, ngh2.DataReceived):
                bodies[event.stream_id] += event.data
            if isinstance(event, (ngh2.ResponseReceived, ngh2.TrailersReceived)):
                found = dict(event.headers)
                if b"grpc-status" in found:
                    statuses[event.stream_id] = found[b"grpc-status"].decode()
    return [_value(bodies[stream]) if statuses[stream] == "0" else statuses[stream] for stream in streams]


def _value(body: bytes) -> float:
    answer = ModelInferResponse.FromString(body[5:])
    return float(np.frombuffer(answer.raw_output_contents[0], "<f4")[1])


def _predictions(served: Served) -> int:
    asked = 0
    while served.model.asked.acquire(blocking=False):
        asked += 1
    return asked
