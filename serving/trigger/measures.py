"""What the service counts."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge


class Measures:
    """Counters of one process."""

    def __init__(self) -> None:
        registry = CollectorRegistry()
        self.registry = registry
        self.decisions = Counter(
            "driftloop_trigger_decisions", "Drift events decided on", ["loop", "decision"], registry=registry
        )
        self.runs = Counter("driftloop_trigger_runs", "Training runs made", ["loop"], registry=registry)
        self.unsettled = Gauge("driftloop_trigger_unsettled", "Claims whose run is not known", registry=registry)
