"""kill -9 at any point: what was accepted is there, and every window is told with one content."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from eventlog_parts import WINDOW_ROWS, Client, Place, Sink, labels, numbered, payload, running, serving, wait_until

EVENT_ROWS = 25
EVENTS = 60


def groups(count: int) -> list[list[str]]:
    """Row ids of each event."""
    return [numbered(start, start + EVENT_ROWS) for start in range(0, count * EVENT_ROWS, EVENT_ROWS)]


def assert_whole(place: Place, sink: Sink, accepted: Sequence[str]) -> None:
    """Rows are those accepted, windows disjoint and full, and told as they stand."""
    assert sorted(place.log.rows("1")["row_id"].to_pylist()) == sorted(accepted)
    windows = place.log.windows("1")
    plain = {window.name: window.uri.replace("-labelled", "") for window in windows}
    ids = [row_id for uri in plain.values() for row_id in place.log.read(uri)["row_id"].to_pylist()]
    assert len(windows) == len(accepted) // WINDOW_ROWS
    assert len(ids) == len(set(ids)) == WINDOW_ROWS * len(windows)
    assert {(window.window, window.uri) for window in sink.windows if not window.labelled} == set(plain.items())


@pytest.mark.timeout(300)  # each start imports for seconds, on a busy machine for half a minute
def test_kills_under_load(place: Place, sink: Sink, tmp_path: Path) -> None:
    """Senders go on while the process dies again and again; labels come in between."""
    ids = groups(EVENTS)
    with running(place, sink, tmp_path) as process, ThreadPoolExecutor(12) as senders:
        sent = [senders.submit(process.send, payload(group), labels(group), seconds=250) for group in ids]
        for done in (10, 35):
            wait_until(lambda done=done: sum(each.done() for each in sent) >= done)
            process.kill()
            process.start()
        for each in sent:
            each.result()
        told = 2 * (EVENTS * EVENT_ROWS // WINDOW_ROWS)
        wait_until(lambda: len(sink.windows) >= told)
    assert_whole(place, sink, [row_id for group in ids for row_id in group])
    assert {window.labelled > 0 for window in place.log.windows("1")} == {True}


def test_two_processes_at_once(place: Place, sink: Sink, tmp_path: Path) -> None:
    """As in a restart that overlaps: no row in two windows, and no window with two contents."""
    ids = groups(40)
    with running(place, sink, tmp_path) as one, serving(place, sink) as other:
        stop = threading.Barrier(2)

        def send(to: Client, part: Sequence[list[str]]) -> None:
            stop.wait()
            to.send(*(payload(group) for group in part))

        with ThreadPoolExecutor(2) as senders:
            for done in [senders.submit(send, one, ids[::2]), senders.submit(send, other, ids[1::2])]:
                done.result()
    with serving(place, sink):  # what is left over is cut by whoever starts next
        wait_until(lambda: len({window.window for window in sink.windows}) == 40 * EVENT_ROWS // WINDOW_ROWS)
    assert_whole(place, sink, [row_id for group in ids for row_id in group])
