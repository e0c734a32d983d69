"""A counter for what happens with every request: counting is an addition, and the metric is told now and then."""

from __future__ import annotations

import threading

from prometheus_client import Counter


class Tally:
    """One thread counts, any tells. A metric's own `inc` costs as much as a row takes to be written."""

    def __init__(self, metric: Counter) -> None:
        self.count = 0
        """Only ever grows."""
        self._metric = metric
        self._told = 0
        self._lock = threading.Lock()

    def tell(self) -> None:
        """Bring the metric up to date."""
        with self._lock:
            count = self.count
            self._metric.inc(count - self._told)
            self._told = count
