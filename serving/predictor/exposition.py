"""The text of /metrics: what this process has counted, or all processes of the server together."""

from __future__ import annotations

import os
from pathlib import Path

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from serving.predictor import metrics
from serving.predictor.registry import REGISTRY

FOLDER = "PROMETHEUS_MULTIPROC_DIR"
"""Variable: the folder in which several processes count together. The library reads it when it is imported."""


def exposed(accept: str) -> tuple[bytes, str]:
    """The text in the form that an Accept header asks for, and its content type."""
    metrics.tell()
    encode, content_type = choose_encoder(accept)
    return encode(_registry()), content_type


def _registry() -> CollectorRegistry:
    folder = os.environ.get(FOLDER)
    if folder is None:
        return REGISTRY
    _forget_dead(Path(folder))
    together = CollectorRegistry()
    MultiProcessCollector(together)  # type: ignore[no-untyped-call]
    return together


def _forget_dead(folder: Path) -> None:
    """What a worker had open ended with it. What it counted stays."""
    for path in folder.glob("gauge_live*_*.db"):
        number = int(path.stem.rpartition("_")[2])
        try:
            os.kill(number, 0)
        except ProcessLookupError:
            mark_process_dead(number)  # type: ignore[no-untyped-call]
