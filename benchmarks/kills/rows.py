"""Rows to ask about, without end: those of a frame, again and again, under new ids each time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from pathlib import Path

import pyarrow as pa

from contracts.events import Label
from contracts.loop import LoopSpec
from contracts.window import Window
from feature_store.contract import LABEL, LABEL_TIME, ROW_ID, load
from scripts.replay import traffic
from scripts.replay.sender import body_of


@dataclass(frozen=True)
class Request:
    """One request to the predictor, and what will be told of its rows."""

    row_ids: list[str]
    body: bytes
    label: Label | None
    """None: no outcome of these rows is known."""


class Rows:
    """The rows of some days."""

    def __init__(self, frame: Path, spec: LoopSpec, batch_rows: int) -> None:
        self._contract = load(spec.name)
        self._rows = traffic.read(frame, self._contract)
        self._spec, self._batch_rows = spec, batch_rows

    def requests(self) -> Iterator[Request]:
        """For ever, each row id once."""
        for lap in count():
            for first in range(0, self._rows.num_rows, self._batch_rows):
                yield self._request(self._rows.slice(first, self._batch_rows), lap)

    def _request(self, rows: pa.Table, lap: int) -> Request:
        ids = [f"{row_id}/{lap}" for row_id in rows[ROW_ID].to_pylist()]
        named = rows.set_column(rows.column_names.index(ROW_ID), ROW_ID, pa.array(ids))
        asked = named.drop_columns([LABEL, LABEL_TIME])
        return Request(ids, body_of(asked), self._label(named))

    def _label(self, rows: pa.Table) -> Label | None:
        delay = timedelta(hours=self._spec.data.label_delay_hours)
        columns = (rows[name].to_pylist() for name in (ROW_ID, LABEL, LABEL_TIME))
        known = [found for found in zip(*columns, strict=True) if found[1] is not None and found[1] == found[1]]
        if not known:
            return None
        ids, labels, times = zip(*known, strict=True)
        return Label(
            loop=self._spec.name,
            row_ids=ids,
            labels=tuple(self._contract.labels[int(label)] for label in labels),
            event_times=tuple(time + delay for time in times),
        )


DAYS = Window.parse("2013-03-01", "2013-04-01")
"""The month after those that the first version is trained on."""
