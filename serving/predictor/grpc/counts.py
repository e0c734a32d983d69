"""Counts gRPC calls as the requests that they are, by the HTTP status that theirs stands for."""

from __future__ import annotations

from serving.predictor import metrics
from serving.predictor.grpc.codes import Code
from serving.predictor.grpc.host import Observer
from serving.predictor.grpc.service import INFER

_PROTOCOL = "grpc"
_STATUSES = {
    Code.OK: "200",
    Code.INVALID_ARGUMENT: "400",
    Code.NOT_FOUND: "404",
    Code.UNIMPLEMENTED: "501",
    Code.RESOURCE_EXHAUSTED: "503",
    Code.UNAVAILABLE: "503",
    Code.DEADLINE_EXCEEDED: "504",
}


def counting() -> Observer:
    """What is to be called for each call that has ended."""
    answered, seconds_taken = metrics.answered(_PROTOCOL), metrics.answer_seconds(_PROTOCOL)

    def observe(path: str, code: Code, seconds: float) -> None:
        if code is Code.OK:
            if path == INFER:
                answered.count += 1
                seconds_taken.observe(seconds)
            return
        status = _STATUSES.get(code, "500")
        metrics.FAILURES.labels(_PROTOCOL, status).inc()
        if path == INFER:
            metrics.REQUESTS.labels(_PROTOCOL, status).inc()

    return observe
