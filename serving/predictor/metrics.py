"""What the predictor counts, at /metrics. Whoever uses a series often keeps its child, for finding it costs more."""

from __future__ import annotations

from prometheus_client import Counter, Histogram

from serving.predictor.registry import REGISTRY

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
