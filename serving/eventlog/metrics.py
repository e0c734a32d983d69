"""What the event log counts, for Prometheus."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST


class Metrics:
    """Counters of one process."""

    content_type = CONTENT_TYPE_LATEST

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.events = self._counter("events", "Events by what became of them", "outcome")
        self.rows = self._counter("rows_stored", "Rows and labels stored", "kind")
        self.duplicates = self._counter("duplicates", "Events, and rows in windows, that came again", "kind")
        self.windows = self._counter("windows", "Windows: full, labelled, told", "state")
        self.flush_seconds = Histogram(
            "driftloop_eventlog_flush_seconds", "Time to store a batch on S3", registry=self.registry
        )
        self.waiting_bytes = Gauge(
            "driftloop_eventlog_waiting_bytes", "Of events that are not answered yet", registry=self.registry
        )

    def exposed(self) -> bytes:
        """In Prometheus' text format."""
        return generate_latest(self.registry)

    def _counter(self, name: str, what: str, label: str) -> Counter:
        return Counter(f"driftloop_eventlog_{name}", f"{what}.", [label], registry=self.registry)
