"""What all connections of a gRPC server share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from serving.predictor.batches import Batches
from serving.predictor.grpc.bounds import Bounds, Traffic
from serving.predictor.grpc.codes import Code
from serving.predictor.grpc.service import Service

Observer = Callable[[str, Code, float], None]
"""Told of every call that ended: its path ('' for a method that is none), its status, and the seconds since its last
byte was here, 0 if that never came.
"""


@dataclass(frozen=True, slots=True)
class Host:
    """The server, as its connections see it."""

    service: Service
    bounds: Bounds
    traffic: Traffic
    observe: Observer
    batches: Batches | None = None
    """Answers calls that came together by one prediction; None: each is answered by its own."""
