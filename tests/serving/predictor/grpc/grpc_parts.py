"""A gRPC server in a thread of the test's own process, around a model that waits when it is told to."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

import grpc
import numpy as np
import numpy.typing as npt
import uvloop
from predictor_process import free_port

from contracts.model import Feature, ModelCard, Task
from serving.predictor.address import bind
from serving.predictor.classifier import ServedClassifier
from serving.predictor.dataplane import DataPlane
from serving.predictor.grpc.bounds import Bounds
from serving.predictor.grpc.codes import Code
from serving.predictor.grpc.messages import ModelInferRequest, ModelInferResponse
from serving.predictor.grpc.server import GrpcServer
from serving.predictor.inference import INLINE_ROWS, Inference
from serving.predictor.readiness import Readiness

SERVICE = "/inference.GRPCInferenceService/"
LARGE = INLINE_ROWS + 1
"""So many rows are predicted beside the event loop."""
AnswerT = TypeVar("AnswerT")
_Matrix = npt.NDArray[np.float32]


@dataclass
class Model:
    """Says that each row's first value is its second probability, or what is predicted, when it may."""

    outputs: int = 2
    may_answer: threading.Event = field(default_factory=threading.Event)
    asked: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    """Released once a prediction."""
    error: Exception | None = None

    def __post_init__(self) -> None:
        self.may_answer.set()

    def probabilities(self, matrix: _Matrix) -> _Matrix:
        """See Classifier."""
        self.asked.release()
        assert self.may_answer.wait(60)
        if self.error is not None:
            raise self.error
        return np.stack([1 - matrix[:, 0], matrix[:, 0]], axis=1)[:, -self.outputs :]


@dataclass(frozen=True)
class Served:
    """A running server."""

    address: str
    model: Model
    server: GrpcServer
    readiness: Readiness
    loop: asyncio.AbstractEventLoop
    observed: list[tuple[str, Code, float]]

    def run(self, work: Coroutine[Any, Any, AnswerT]) -> AnswerT:
        """Do something on the server's event loop."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(60)

    def call(self, method: str, message: bytes = b"", **how: Any) -> bytes:
        """Call a method on a connection of its own. grpc.RpcError if the call fails."""
        with grpc.insecure_channel(self.address) as channel:
            answer: bytes = channel.unary_unary(method)(message, **{"timeout": 30, **how})
            return answer

    def infer(self, message: bytes, **how: Any) -> Any:
        """A ModelInferResponse."""
        return ModelInferResponse.FromString(self.call(SERVICE + "ModelInfer", message, **how))

    def refused(self, method: str, message: bytes = b"", **how: Any) -> tuple[str, str]:
        """Status and words of a call that fails."""
        try:
            answer = self.call(method, message, **how)
        except grpc.RpcError as error:
            return error.code().name, error.details()
        raise AssertionError(f"{method} answered {answer!r}")


def plane_of(model: Model | None = None, task: Task = "classification") -> DataPlane:
    """A data plane of two features around a model."""
    features = (Feature(name="late"), Feature(name="colour", categories=("red", "green")))
    labels = ("no", "yes") if task == "classification" else ()
    card = ModelCard(
        loop="l",
        kind="k",
        task=task,
        format="xgboost-ubj",
        model_file="m",
        files={},
        features=features,
        labels=labels,
    )
    classifier = ServedClassifier(model or Model(), accepts_missing=True)
    return DataPlane("flights", "7", card, classifier, max_rows=2000)


@contextmanager
def serving(task: Task = "classification", batch_rows: int = 0, **bounds: Any) -> Iterator[Served]:
    """A server with these bounds. At the end it is drained, and all that was taken in must be out again."""
    model, readiness = Model(2 if task == "classification" else 1), Readiness()
    observed: list[tuple[str, Code, float]] = []
    plane = plane_of(model, task)
    port = free_port()
    server = GrpcServer(
        Inference(plane, None),
        bind("127.0.0.1", port),
        Bounds(**{"message_bytes": 100_000, "quiet_seconds": 0.05, **bounds}),
        readiness,
        lambda *call: observed.append(call),
        batch_rows,
    )
    loop = uvloop.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    served = Served(f"127.0.0.1:{port}", model, server, readiness, loop, observed)
    served.run(server.start())
    try:
        yield served
    finally:
        model.may_answer.set()
        served.run(server.drain(10))
        loop.call_soon_threadsafe(loop.stop)
        thread.join(30)
        loop.close()
    traffic = server._host.traffic
    assert (traffic._calls, traffic._bytes) == (0, 0)


def matrix(rows: int, *, raw: bool = True, **changed: Any) -> bytes:
    """A request of so many rows, each a half in its first column."""
    values = np.tile(np.array([0.5, 1], "<f4"), (rows, 1))
    tensor: dict[str, Any] = {"name": "m", "datatype": "FP32", "shape": [rows, 2]}
    if raw:
        changed = {"raw_input_contents": [values.tobytes()], **changed}
    else:
        tensor["contents"] = {"fp32_contents": [values.tobytes()]}
    message: bytes = ModelInferRequest(**{"model_name": "flights", "inputs": [tensor], **changed}).SerializeToString()
    return message
