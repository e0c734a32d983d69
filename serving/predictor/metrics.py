"""What the predictor counts, at /metrics. What every request counts is counted apart, and told when somebody looks."""

from __future__ import annotations

from functools import cache
from typing import TypeVar

from prometheus_client import Counter, Histogram

from serving.predictor.registry import REGISTRY
from serving.predictor.tally import Tally
from serving.predictor.timing import Timing

_BOUNDS = (0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
"""Seconds. A row takes some ten microseconds, a large request some ten milliseconds."""

REQUESTS = Counter(
    "predictor_requests",
    "Requests for a prediction, by what they were answered",
    ["protocol", "status"],
    registry=REGISTRY,
)
SECONDS = Histogram(
    "predictor_request_seconds",
    "From a request's last byte to its prediction's answer",
    ["protocol"],
    buckets=_BOUNDS,
    registry=REGISTRY,
)
FAILURES = Counter(
    "predictor_failures", "Requests that were not answered with a prediction", ["protocol", "status"], registry=REGISTRY
)
ROWS = Counter("predictor_rows", "Rows predicted", registry=REGISTRY)
PREDICT_SECONDS = Histogram(  # KServe's name for it
    "request_predict_seconds", "What the model took of a request", ["model_name"], buckets=_BOUNDS, registry=REGISTRY
)

_Often = TypeVar("_Often", Tally, Timing)
_OFTEN: list[Tally | Timing] = []


@cache
def answered(protocol: str) -> Tally:
    """Counts requests that were answered with a prediction."""
    return _often(Tally(REQUESTS.labels(protocol, "200")))


@cache
def answer_seconds(protocol: str) -> Timing:
    """Observes how long they took."""
    return _often(Timing(SECONDS.labels(protocol), _BOUNDS))


@cache
def predict_seconds(model: str) -> Timing:
    """Observes how long the model took."""
    return _often(Timing(PREDICT_SECONDS.labels(model), _BOUNDS))


@cache
def rows() -> Tally:
    """Counts rows."""
    return _often(Tally(ROWS))


def tell() -> None:
    """Bring the metrics up to date; by the thread that counts."""
    for each in _OFTEN:
        each.tell()


def _often(each: _Often) -> _Often:
    _OFTEN.append(each)
    return each
