"""The windows of one version on S3: what is in which follows from the windows that are there, and from nothing else.

A window's object is created, never replaced, and its name is the next number: of two processes that cut at once one
is refused, and looks again at what is there. So no row is in two windows, and a crash at any point loses none.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pyarrow as pa

from contracts import parquet
from contracts.errors import BusyError
from contracts.eventlog import ROW_ID, EventLog, StoredWindow, clock_name, clock_of, is_labelled, window_name
from serving.eventlog.pending import RECENT_ROWS, Cut, Pending

MARGIN = timedelta(minutes=10)
"""Objects so much older than the last window's cursor are looked at again: another process' clock may differ."""

TICK = timedelta(microseconds=1)


class Cutter:
    """Cuts windows of one version. After an error it is no longer right: make another."""

    def __init__(self, log: EventLog, version: str, window_rows: int, recent_rows: int = RECENT_ROWS) -> None:
        self.log, self.version = log, version
        self.pending = Pending(window_rows, recent_rows)
        self.next_index = 0
        self._since: str | None = None
        """The name from which on stored rows may be in no window."""
        self._newest = ""
        """The newest object that any window has rows of."""

    def restore(self) -> Iterator[tuple[StoredWindow, pa.Table]]:
        """Read the rows that wait, and cut what is full. After `learn`."""
        since = clock_of(self._since) if self._since else None
        for uri in self.log.names(self.log.rows_prefix(self.version), since):
            self.pending.add(uri.rpartition("/")[2], self.log.read(uri))
            yield from self.cut()

    def cut(self) -> Iterator[tuple[StoredWindow, pa.Table]]:
        """Write the windows that are full; each with its rows."""
        while cut := self.pending.cut():
            yield self._write(cut), cut.rows

    def learn(self) -> list[tuple[str, list[str]]]:
        """Learn from S3 which rows have a window. The newest windows by their URI, and the ids of their rows."""
        uris = [uri for uri in self.log.listed(self.log.windows_prefix(self.version)) if not is_labelled(uri)]
        if not uris:
            return []
        self.next_index = 1 + int(uris[-1].removesuffix(".parquet").rpartition("-")[2])
        since, self._newest = (self._place(uris[-1], what) for what in ("cursor", "newest"))
        newest: list[tuple[str, list[str]]] = []
        begin = clock_name(clock_of(since) - MARGIN)
        for uri in reversed(uris):
            enough = sum(len(ids) for _, ids in newest) >= self.pending.known.limit // 2
            if enough and (unread := self._place(uri, "newest")) < since:
                begin = max(
                    begin, clock_name(clock_of(unread) + TICK)
                )  # what this window has rows of is not read again
                break
            newest.append((uri, self.log.read(uri, [ROW_ID])[ROW_ID].to_pylist()))
        known = self.pending.known
        known.limit = max(known.limit, 2 * sum(len(ids) for _, ids in newest))  # more than usual if objects are large
        for _, ids in reversed(newest):
            self.pending.windowed(ids)
        self._since = min(begin, since)
        return newest[::-1]

    def _place(self, uri: str, what: str) -> str:
        return (self.log.store.metadata(uri) or {})[what]

    def _write(self, cut: Cut) -> StoredWindow:
        name = window_name(self.version, self.next_index)
        uri = f"{self.log.windows_prefix(self.version)}{name}.parquet"
        start, end = cut.span
        window = StoredWindow(name, self.version, uri, start, end, cut.rows.num_rows)
        self._newest = max(self._newest, cut.newest)
        metadata = {**window.metadata(), "newest": self._newest, "cursor": cut.cursor}
        if not self.log.store.create(uri, parquet.to_bytes(cut.rows), metadata):
            raise BusyError(f"Another process has written {uri}.", "It is looked at, and the next one is cut.")
        self.next_index += 1
        return window
