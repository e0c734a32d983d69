"""What the service counts."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from contracts.events import Drift


class Measures:
    """Counters of one process."""

    def __init__(self) -> None:
        registry = CollectorRegistry()
        self.registry = registry
        self.seconds = Histogram("driftloop_drift_window_seconds", "Time a window took, S3 included", registry=registry)
        self.refused = Counter("driftloop_drift_refused", "Windows refused for good", registry=registry)
        self._windows = Counter("driftloop_drift_windows", "Windows judged", ["loop", "verdict"], registry=registry)
        self._drifted = Gauge(
            "driftloop_drift_features", "Features that drifted in the window judged last", ["loop"], registry=registry
        )
        self._quality = Gauge(
            "driftloop_drift_roc_auc", "ROC AUC of the labelled window judged last", ["loop"], registry=registry
        )

    def count(self, drift: Drift) -> None:
        """Count one window."""
        self._windows.labels(drift.loop, drift.verdict).inc()
        self._drifted.labels(drift.loop).set(len({found.feature for found in drift.features if found.drifted}))
        if drift.performance is not None:
            self._quality.labels(drift.loop).set(drift.performance.value)
