"""Where the predictor counts: not where a KServe client in the same process does, which has the same names."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector

REGISTRY = CollectorRegistry()
"""Of this process. With several workers each series is in a file that all of them read instead."""
for collector in (ProcessCollector, PlatformCollector, GCCollector):
    collector(registry=REGISTRY)
