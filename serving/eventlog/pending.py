"""The rows of one version that are in no window yet, and the windows cut off them. Plain tables, no storage."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from contracts import parquet
from contracts.eventlog import EVENT_TIME, ROW_ID
from serving.eventlog.recent import RecentSet

RECENT_ROWS = 200_000
"""Rows of a version whose ids are known: one that comes again within so many is not in a second window."""
STRAYS = 20
"""One row in so many, at either end, may tell a time far from the others' without moving the window's span."""
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Cut:
    """A window's rows, sorted by event time, then row id; and where in the log it ends."""

    rows: pa.Table = field(repr=False)
    newest: str
    """The newest object that any window so far has rows of."""
    cursor: str
    """The oldest object that has rows in no window yet; `newest` if none has."""

    @property
    def span(self) -> tuple[datetime, datetime]:
        """First event time, and the instant after the last, of the rows whose time is near most others'.

        A row that told no time is of now, also amid a replay of the past, and a client's clock may be wrong: what the
        loop decides must not follow a few of those. Near is within the length of the middle rows' span, or a day.
        """
        times = self.rows[EVENT_TIME]
        apart = len(times) // STRAYS
        low, high = times[apart].as_py(), times[len(times) - 1 - apart].as_py()
        slack = max(high - low, DAY)
        is_near = pc.and_(pc.greater_equal(times, low - slack), pc.less_equal(times, high + slack))
        near = pc.min_max(times.filter(is_near)).as_py()
        return near["min"], near["max"] + timedelta(microseconds=1)


class Pending:
    """Rows in the order of their coming."""

    def __init__(self, window_rows: int, recent_rows: int = RECENT_ROWS) -> None:
        self.window_rows = window_rows
        self.known: RecentSet[str] = RecentSet(max(recent_rows, 2 * window_rows))
        self._tables: deque[tuple[str, pa.Table]] = deque()
        self._rows = 0

    def windowed(self, row_ids: Iterable[str]) -> None:
        """These rows are in a window already."""
        self.known.add(row_ids)

    def add(self, name: str, rows: pa.Table) -> int:
        """The rows of a stored object, by its name; how many came before. Those with an error never wait."""
        good = rows.filter(pc.is_null(rows["error"]))
        mask = [self._is_fresh(row_id) for row_id in good[ROW_ID].to_pylist()]
        fresh = good if all(mask) else good.filter(pa.array(mask, pa.bool_()))
        if fresh.num_rows:
            self._tables.append((name, fresh))
            self._rows += fresh.num_rows
        return int(good.num_rows - fresh.num_rows)

    def cut(self) -> Cut | None:
        """The next window, taken off what waits; None while there are not rows enough."""
        if self._rows < self.window_rows:
            return None
        parts: list[pa.Table] = []
        missing, newest = self.window_rows, ""
        while missing:
            newest, table = self._tables.popleft()
            parts.append(table.slice(0, missing))
            if table.num_rows > missing:
                self._tables.appendleft((newest, table.slice(missing)))
            missing -= parts[-1].num_rows
        self._rows -= self.window_rows
        rows = parquet.together(parts).sort_by([(EVENT_TIME, "ascending"), (ROW_ID, "ascending")])
        return Cut(rows, newest, self._tables[0][0] if self._tables else newest)

    def _is_fresh(self, row_id: Any) -> bool:
        if row_id in self.known:
            return False
        self.known.put(row_id, None)
        return True
