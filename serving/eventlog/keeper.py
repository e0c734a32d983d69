"""What follows from stored rows and labels: windows that are full, and windows that have their labels.

Nothing here is asked before an event is answered, and nothing is lost when it fails: what a version's windows are is
learnt from S3 again. One thread at a time.
"""

from __future__ import annotations

import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from functools import partial

import pyarrow as pa

from contracts import parquet
from contracts.errors import DriftloopError
from contracts.eventlog import LABEL, LABEL_TIME, ROW_ID, EventLog, StoredWindow, labelled_uri, told_uri
from contracts.objects import ObjectStore
from serving.eventlog.cutter import Cutter
from serving.eventlog.flush import Stored
from serving.eventlog.metrics import Metrics
from serving.eventlog.policy import Policies
from serving.eventlog.unlabelled import Open, Unlabelled

MAX_CUTTERS = 8
"""Versions whose waiting rows are in memory; another's are read again when it has new ones."""
RETRY_SECONDS = 2.0

Tell = Callable[[str, str], None]
"""Says that a window of a loop is to be told, by its URI."""
_log = logging.getLogger(__name__)


class Keeper:
    """The windows of all loops."""

    def __init__(self, store: ObjectStore, bucket: str, policies: Policies, tell: Tell, metrics: Metrics) -> None:
        self.store, self.bucket, self.policies, self.tell, self.metrics = store, bucket, policies, tell, metrics
        self.unlabelled = Unlabelled()
        self._cutters: OrderedDict[tuple[str, str], Cutter] = OrderedDict()
        self._unread: dict[tuple[str, str], float] = {}
        """Versions that are to be learnt from S3, and when, by the monotonic clock."""

    def log(self, loop: str) -> EventLog:
        """The log of a loop."""
        return EventLog(self.store, self.bucket, loop)

    def learn(self, stored: Sequence[Stored]) -> None:
        """Rows and labels were stored."""
        for each in stored:
            if each.version is None:
                self.learn_labels(each.loop, each.table)
            else:
                self._take((each.loop, each.version), each)
        self.catch_up()

    def learn_labels(self, loop: str, table: pa.Table) -> None:
        """Labels are on S3; see LABEL_COLUMNS."""
        columns = (table[name].to_pylist() for name in (ROW_ID, LABEL_TIME, LABEL))
        self.unlabelled.learn(loop, zip(*columns, strict=True))

    def unread(self, loop: str, version: str) -> None:
        """Rows of a version are on S3 of which nothing is known here."""
        self._unread.setdefault((loop, version), 0)

    def catch_up(self) -> None:
        """Do what is left to do: versions to be learnt, windows to be labelled."""
        for key in [key for key, due in self._unread.items() if due <= time.monotonic()]:
            self._unread[key] = time.monotonic() + RETRY_SECONDS
            self._attempt(f"windows of {key[0]} version {key[1]}", partial(self._restore, key))
        for ready in self.unlabelled.ready:
            self._attempt(ready.window.uri, partial(self._write_labelled, ready))

    def _take(self, key: tuple[str, str], stored: Stored) -> None:
        cutter = self._cutters.pop(key, None)  # and back only if all goes well
        if cutter and self._attempt(f"windows of {key[0]} version {key[1]}", partial(self._cut, key, cutter, stored)):
            self._cutters[key] = cutter
        else:
            self.unread(*key)

    def _cut(self, key: tuple[str, str], cutter: Cutter, stored: Stored) -> None:
        self.metrics.duplicates.labels("rows").inc(cutter.pending.add(stored.name, stored.table))
        for window, rows in cutter.cut():
            self._announce(key, window, rows)

    def _restore(self, key: tuple[str, str]) -> None:
        loop, version = key
        policy = self.policies.of(loop, version)
        if policy is None:
            return
        cutter = Cutter(self.log(loop), version, policy.drift.window_rows)
        self._adopt(key, cutter.learn())
        for window, rows in cutter.restore():
            self._announce(key, window, rows)
        del self._unread[key]
        self._cutters[key] = cutter
        if len(self._cutters) > MAX_CUTTERS:
            self._cutters.popitem(last=False)

    def _adopt(self, key: tuple[str, str], windows: Sequence[tuple[str, list[str]]]) -> None:
        """Windows that another process has written, or this one without being told that it had."""
        log = self.log(key[0])
        there = {*log.listed(log.windows_prefix(key[1])), *log.listed(log.told_prefix(key[1]))}
        for uri, row_ids in windows:
            if told_uri(uri) not in there:
                self.tell(key[0], uri)
            if labelled_uri(uri) not in there and uri not in self.unlabelled:
                self.wait_for_labels(key[0], log.window(uri), row_ids)

    def _announce(self, key: tuple[str, str], window: StoredWindow, rows: pa.Table) -> None:
        self.metrics.windows.labels("full").inc()
        self.wait_for_labels(key[0], window, rows[ROW_ID].to_pylist())
        self.tell(key[0], window.uri)

    def wait_for_labels(self, loop: str, window: StoredWindow, row_ids: Sequence[str]) -> None:
        """A window without labels is on S3."""
        if policy := self.policies.of(loop, window.version):
            self.unlabelled.wait_for(loop, window, row_ids, policy.drift.min_labelled_share)

    def _write_labelled(self, ready: Open) -> None:
        uri = labelled_uri(ready.window.uri)
        log = self.log(ready.loop)
        rows = log.read(ready.window.uri)
        labels = [ready.labels[row_id][1] if row_id in ready.labels else None for row_id in rows[ROW_ID].to_pylist()]
        body = parquet.to_bytes(rows.append_column(LABEL, pa.array(labels, pa.string())))
        if self.store.create(uri, body, {**ready.window.metadata(), "labelled": str(len(ready.labels))}):
            self.metrics.windows.labels("labelled").inc()
        self.unlabelled.close(ready.window.uri)
        self.tell(ready.loop, uri)

    def _attempt(self, what: str, do: Callable[[], None]) -> bool:
        """Whether it was done; if not, it is tried again."""
        try:
            do()
        except DriftloopError as error:
            _log.warning("%s: not done yet: %s", what, error)
            return False
        return True
