"""The event log as a process, on a real S3 server."""

from __future__ import annotations

from pathlib import Path

from eventlog_parts import WINDOW_ROWS, Place, Sink, labels, numbered, payload, running, wait_until

from contracts.cloudevent import CloudEvent
from contracts.events import to_event


def test_rows_and_windows(place: Place, sink: Sink, tmp_path: Path) -> None:
    """What was accepted can be read, and every full window is told, its rows sorted by event time."""
    with running(place, sink, tmp_path) as process:
        process.send(*(payload(numbered(start, start + 20)) for start in (40, 20, 0)))
        wait_until(lambda: sink.windows)

    rows = place.log.rows("1")
    assert sorted(rows["row_id"].to_pylist()) == numbered(0, 60)
    assert set(rows["score"].to_pylist()) == {0.25}
    assert set(rows["carrier"].to_pylist()) == {"UA"}
    (window,) = sink.windows
    (stored,) = place.log.windows("1")
    assert (window.window, window.uri, window.rows, window.labelled) == ("1-000000", stored.uri, WINDOW_ROWS, 0)
    ids = place.log.read(stored.uri)["row_id"].to_pylist()
    assert ids == [*numbered(0, 10), *numbered(20, 60)]
    assert (window.end - window.start).total_seconds() == 59.000001
