"""The text of /metrics: what this process has counted, or all processes of the server together."""

from __future__ import annotations

import os

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from prometheus_client.multiprocess import MultiProcessCollector

from serving.predictor.registry import REGISTRY

FOLDER = "PROMETHEUS_MULTIPROC_DIR"
"""Variable: the folder in which several processes count together. The library reads it when it is imported."""


def exposed(accept: str) -> tuple[bytes, str]:
    """The text in the form that an Accept header asks for, and its content type."""
    encode, content_type = choose_encoder(accept)
    return encode(_registry()), content_type


def _registry() -> CollectorRegistry:
    if FOLDER not in os.environ:
        return REGISTRY
    together = CollectorRegistry()
    MultiProcessCollector(together)  # type: ignore[no-untyped-call]
    return together
