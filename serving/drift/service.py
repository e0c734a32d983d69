"""Window events in, drift events out. Nothing is kept: the same window gives the same event."""

from __future__ import annotations

import asyncio

import pyarrow as pa

from contracts.cloudevent import CloudEvent
from contracts.errors import DataError, IntegrityError
from contracts.events import Drift, Performance, Window, from_event, to_event
from contracts.objects import ObjectStore
from contracts.pointer import ModelPointer
from serving.drift.baseline import Baseline, Baselines
from serving.drift.choice import Choice
from serving.drift.detect import detect
from serving.drift.finding import finding
from serving.drift.labels import LABEL, labelled
from serving.drift.measures import Measures
from serving.drift.parquet import fetch, table
from serving.drift.performance import judge
from serving.drift.reference import SCORE

SOURCE = "/driftloop/drift"


class Detector:
    """The service, but for HTTP. One window at a time, off the event loop, which bounds its memory."""

    def __init__(self, store: ObjectStore, bucket: str, choice: Choice) -> None:
        self.measures = Measures()
        self._store, self._bucket, self._choice = store, bucket, choice
        self._baselines = Baselines(store)
        self._turn = asyncio.Lock()

    async def handle(self, event: CloudEvent) -> CloudEvent:
        """The drift event of a window's. DataError if it, or what it names, is no good; else S3 is away."""
        try:
            window = from_event(event)
            if not isinstance(window, Window):
                raise DataError(f"The event's type is {event['type']}, not {Window.type()}.")
            async with self._turn:
                drift = await asyncio.to_thread(self.judge, window, event["id"])
        except DataError:
            self.measures.refused.inc()
            raise
        self.measures.count(drift)
        return to_event(drift, SOURCE)

    def judge(self, window: Window, window_id: str) -> Drift:
        """Read a window and what it is compared with; what was found."""
        with self.measures.seconds.time():
            baseline = self._baselines.of(window.reference_uri)
            reference, spec = baseline.reference, baseline.reference.spec
            names = [*(feature.name for feature in reference.features), SCORE, LABEL]
            rows = table(fetch(self._store, window.uri), window.uri, names)
            report = detect(reference, rows, self._choice.of(spec.backend), spec.reason_share)
            performance = self._performance(window, rows, baseline) if window.labelled else None
            return finding(window, window_id, report, baseline.labels[-1], performance)

    def _performance(self, window: Window, rows: pa.Table, baseline: Baseline) -> Performance | None:
        labels, scores = labelled(rows, baseline.labels)
        return judge(labels, scores, self._expected(window), baseline.reference.spec)

    def _expected(self, window: Window) -> float:
        try:
            pointer = ModelPointer.read(self._store, self._bucket, window.loop, window.model_version)
        except IntegrityError as error:
            raise DataError(error.what, error.remedy) from error
        return pointer.holdout_roc_auc
