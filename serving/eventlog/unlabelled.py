"""Windows whose labels have not all come, and the labels that came lately. In memory only, bounded, no storage."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from contracts.eventlog import StoredWindow
from serving.eventlog.recent import Recent

MAX_OPEN_ROWS = 400_000
"""Of all windows that wait for labels: the oldest wait no longer."""
MAX_LABELS = 200_000
"""That came lately; those of rows that are in no window yet are looked up here when one is cut."""

Known = tuple[datetime, str]
"""A label, after the time since when it is known."""


@dataclass(eq=False)
class Open:
    """A window that waits for labels."""

    loop: str
    window: StoredWindow
    row_ids: Sequence[str] = field(repr=False)
    needed: int
    """Rows that must have a label."""
    labels: dict[str, Known] = field(default_factory=dict, repr=False)

    def learn(self, row_id: str, known: Known) -> None:
        """Keep a label unless a later one is there."""
        before = self.labels.get(row_id)
        if before is None or before[0] <= known[0]:
            self.labels[row_id] = known

    @property
    def ready(self) -> bool:
        """Whether labels enough have come."""
        return len(self.labels) >= self.needed


class Unlabelled:
    """The windows of all loops that wait."""

    def __init__(self, max_open_rows: int = MAX_OPEN_ROWS, max_labels: int = MAX_LABELS) -> None:
        self.max_open_rows = max_open_rows
        self.given_up = 0
        self._open: dict[str, Open] = {}
        self._windows_of: dict[tuple[str, str], list[Open]] = {}
        self._labels: Recent[tuple[str, str], Known] = Recent(max_labels)
        self._rows = 0

    def __contains__(self, uri: str) -> bool:
        return uri in self._open

    @property
    def ready(self) -> list[Open]:
        """Windows with labels enough, in the order of their coming."""
        return [each for each in self._open.values() if each.ready]

    def wait_for(self, loop: str, window: StoredWindow, row_ids: Sequence[str], share: float) -> None:
        """A window has come. Labels that came before it are looked up; the oldest windows make room."""
        waiting = Open(loop, window, row_ids, max(1, math.ceil(share * len(row_ids) - 1e-9)))
        self._open[window.uri] = waiting
        self._rows += len(row_ids)
        for row_id in row_ids:
            self._windows_of.setdefault((loop, row_id), []).append(waiting)
            if known := self._labels.get((loop, row_id)):
                waiting.learn(row_id, known)
        while self._rows > self.max_open_rows and len(self._open) > 1:
            self.given_up += 1
            self.close(next(iter(self._open)))

    def learn(self, loop: str, labels: Iterable[tuple[str, datetime, str]]) -> None:
        """Labels have come: row id, since when it is known, and the class."""
        for row_id, time, label in labels:
            key = loop, row_id
            before = self._labels.get(key)
            if before is None or before[0] <= time:
                self._labels.put(key, (time, label))
            for waiting in self._windows_of.get(key, ()):
                waiting.learn(row_id, (time, label))

    def close(self, uri: str) -> None:
        """A window waits no longer."""
        closed = self._open.pop(uri)
        self._rows -= len(closed.row_ids)
        for row_id in closed.row_ids:
            windows = self._windows_of[closed.loop, row_id]
            windows.remove(closed)
            if not windows:
                del self._windows_of[closed.loop, row_id]
