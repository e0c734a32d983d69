"""The event log as a process, on a real S3 server."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from eventlog_parts import START, WINDOW_ROWS, Gate, Here, Place, Sink, labels, numbered, payload, serving, wait_until

from contracts.cloudevent import CloudEvent
from contracts.events import Window, to_event


def test_rows_and_windows(place: Place, sink: Sink) -> None:
    """What was accepted can be read; a full window is told, sorted by event time, without rows that got an error."""
    with serving(place, sink) as eventlog:
        eventlog.send(*(payload(numbered(start, start + 20), errors=[0]) for start in (40, 20, 0)))
        wait_until(lambda: sink.windows)

    rows = place.log.rows("1")
    assert sorted(rows["row_id"].to_pylist()) == numbered(0, 60)
    assert rows["score"].to_pylist().count(0.25) == 57
    assert rows["error"].to_pylist().count("no") == 3
    assert set(rows["carrier"].to_pylist()) == {"UA"}
    (window,) = sink.windows
    (stored,) = place.log.windows("1")
    assert (window.window, window.uri, window.rows, window.labelled) == ("1-000000", stored.uri, WINDOW_ROWS, 0)
    ids = place.log.read(stored.uri)["row_id"].to_pylist()
    assert ids == [*numbered(1, 13), *numbered(21, 40), *numbered(41, 60)]
    assert window.reference_uri == "s3://models/1/reference.parquet"
    assert window.end - window.start == timedelta(seconds=58, microseconds=1)


def test_an_event_that_comes_again_changes_nothing(place: Place, sink: Sink) -> None:
    """Neither in this process' life nor in the next one's."""
    events = [payload(numbered(start, start + 30)) for start in (0, 30)]
    with serving(place, sink) as eventlog:
        eventlog.send(*events, *events)
        assert eventlog.counted("duplicates_total", 'kind="events"') == 2
    with serving(place, sink) as eventlog:
        eventlog.send(*events, *events, payload(numbered(60, 99)))
        assert eventlog.counted("rows_stored_total", 'kind="row"') == 99
        wait_until(lambda: place.log.windows("1"))
    assert sorted(place.log.rows("1")["row_id"].to_pylist()) == numbered(0, 99)
    assert len(place.log.windows("1")) == 1


@pytest.mark.parametrize("early", [True, False])
def test_labels_make_a_labelled_window(place: Place, sink: Sink, early: bool) -> None:
    """Before or after the rows and across a restart; the one known last counts, and unknown rows' labels are kept."""
    rows = [payload(numbered(0, WINDOW_ROWS))]
    told = [
        labels([*numbered(0, 30), "row-99999"]),
        labels(numbered(10, 20), "on", START + timedelta(days=2)),
        labels(numbered(10, 20), "never", START + timedelta(hours=1)),
    ]
    with serving(place, sink) as eventlog:
        eventlog.send(*(told if early else rows))
    with serving(place, sink) as eventlog:
        eventlog.send(*(rows if early else told))
        wait_until(lambda: sink.windows)
        eventlog.send(labels(numbered(30, 39)))
        assert not any(window.labelled for window in sink.windows)
        eventlog.send(labels(numbered(39, 40)))
        wait_until(lambda: len(sink.windows) == 2)
        eventlog.send(labels(numbered(40, 50)))

    first, second = sink.windows
    assert (second.window, second.rows, second.labelled) == (first.window, WINDOW_ROWS, 40)
    assert second.uri == first.uri.replace(".parquet", "-labelled.parquet")
    table = place.log.read(second.uri)
    assert table["label"].to_pylist() == ["late"] * 10 + ["on"] * 10 + ["late"] * 20 + [None] * 10
    assert table.drop_columns("label") == place.log.read(first.uri)
    known = place.log.labels()
    assert sorted(known["row_id"].to_pylist()) == [*numbered(0, 50), "row-99999"]
    assert [each.labelled for each in place.log.windows("1")] == [40]


def test_a_version_without_a_pointer_has_rows_but_no_windows_yet(
    place: Place, sink: Sink, caplog: pytest.LogCaptureFixture
) -> None:
    """They are made of all its rows when it is registered."""
    with serving(place, sink) as eventlog:
        eventlog.send(*(payload(numbered(start, start + 30), version="2/b") for start in (0, 30)))
        assert place.log.rows("2/b").num_rows == 60
        assert place.log.windows("2/b") == []
        place.register("2/b")
        wait_until(lambda: sink.windows)
    assert caplog.text.count("make no windows") == 1
    assert [window.model_version for window in sink.windows] == ["2/b"]


def test_windows_are_told_until_they_are_accepted(place: Place, sink: Sink, caplog: pytest.LogCaptureFixture) -> None:
    """By this process or the next."""
    sink.refusing = True
    with serving(place, sink) as eventlog:
        eventlog.send(payload(numbered(0, 110)))
        wait_until(lambda: "not told yet" in caplog.text)
    sink.refusing = False
    with serving(place, sink):
        wait_until(lambda: len(sink.windows) == 2)
    assert [window.window for window in sink.windows] == ["1-000000", "1-000001"]
    with serving(place, sink) as eventlog:
        assert eventlog.counted("waiting_bytes") == 0
    assert len(sink.windows) == 2


def test_a_window_that_another_process_has_written(place: Place, sink: Sink) -> None:
    """It is told and gets its labels here too, its rows are in no second window, and the rows that are left wait."""
    rows = payload(numbered(0, WINDOW_ROWS - 10))
    with serving(place, sink) as eventlog:
        eventlog.send(payload(["other-0"]))
        wait_until(lambda: place.log.rows("1").num_rows)
        other = Here(place, None)  # tells nobody
        other.await_status("/readyz", 200)
        other.send(rows, payload(numbered(40, 59)))
        other.end()
        assert len(place.log.windows("1")) == 1
        assert not sink.windows
        eventlog.send(payload(numbered(59, 110)))
        wait_until(lambda: len(sink.windows) == 2)
        eventlog.send(labels([*numbered(0, 110), "other-0"]))
        wait_until(lambda: len(sink.windows) == 4)
    windows = place.log.windows("1")
    ids = [row_id for window in windows for row_id in place.log.read(window.uri)["row_id"].to_pylist()]
    assert len(ids) == len(set(ids)) == 2 * WINDOW_ROWS
    assert [window.labelled for window in windows] == [WINDOW_ROWS] * 2


def test_s3_away(place: Place, sink: Sink, caplog: pytest.LogCaptureFixture) -> None:
    """503 and Retry-After while it is, at the start too; nothing that was accepted is lost when it is back."""
    gate = Gate(place.settings.s3_endpoint)
    behind = replace(place, settings=replace(place.settings, s3_endpoint=gate.url))
    unlucky = to_event(payload(numbered(30, 60)), "/test")
    try:
        with serving(behind, sink) as eventlog:
            eventlog.send(payload(numbered(0, 30)))
            gate.open = False
            status, words = eventlog.post(unlucky)
            assert (status, eventlog.get("/healthz")[0]) == (503, 200), words
        eventlog = Here(behind, sink)
        wait_until(lambda: "is not known yet" in caplog.text)
        assert eventlog.get("/readyz")[0] == 503
        assert eventlog.post(unlucky)[0] == 503
        gate.open = True
        eventlog.send(payload(numbered(30, 60)))
        wait_until(lambda: sink.windows)
        eventlog.end()
    finally:
        gate.close()
    assert sorted(place.log.rows("1")["row_id"].to_pylist()) == numbered(0, 60)


def test_what_is_malformed_is_refused_for_good(place: Place) -> None:
    """422 with a reason, and nothing is stored."""
    good = to_event(payload(numbered(0, 2)), "/test")
    end = START + timedelta(days=1)
    uri = "s3://x/y"
    window = Window(
        loop="trips", window="1-0", uri=uri, reference_uri=uri, model_version="1", start=START, end=end, rows=1
    )

    def changed(**fields: Any) -> CloudEvent:
        return replace(good, data=json.dumps({**json.loads(good.data), **fields}).encode())

    events = {
        "row_ids": changed(row_ids=["a"]),
        "loop": changed(loop="../x"),
        "errors: Value error, 10001 rows": changed(errors={"runs": [[None, 10_000], [None, 1]]}),
        "bytes are no whole number of float32": changed(columns={"distance": {"float32": "AAAA"}}),
        "name of a column": changed(columns={"score": [1, 2]}),
        "longer than": changed(model_version="€" * 100),
        "not between": changed(timestamps=["0001-01-01T00:00:00Z"] * 2),
        "stores payloads, labels and decisions": to_event(window, "/test"),
        "Known are": CloudEvent({"id": "1", "source": "/x", "type": "dev.driftloop.other.v1"}, b"{}"),
        "dead letter": good,
    }
    with serving(place, None) as eventlog:
        for words, event in events.items():
            status, answer = eventlog.post(event, "/dead" if words == "dead letter" else "/")
            assert (status, words in answer) == (422, True), answer
    assert place.log.versions() == []


def test_dead_letters_are_kept(place: Place) -> None:
    """Of any type and content, with why; the same one again is the same object."""
    why = {"knativeerrordest": "http://drift", "knativeerrorcode": "422", "knativeerrordata": "bm8="}
    letters = [
        CloudEvent({"id": "1", "source": "/x", "type": "any"}, b"\xff\x00", "application/octet-stream").extended(**why),
        to_event(labels(["a"]), "/test").extended(**why),
    ]
    with serving(place, None) as eventlog:
        for letter in (*letters, *letters):
            assert eventlog.post(letter, "/dead")[0] == 202
    uris = list(place.store.names(f"s3://{place.settings.data_bucket}/eventlog/dead/"))
    found = [json.loads(place.store.get(uri)) for uri in uris]
    assert sorted(each["type"] for each in found) == ["any", "dev.driftloop.label.v1"]
    assert {each["knativeerrorcode"] for each in found} == {"422"}


def test_what_was_given_up_without_a_no_is_only_late(place: Place) -> None:
    """Rows and labels for which the log was away too long are stored as if they came now; refused ones are buried."""
    unanswered = {"knativeerrordest": "http://eventlog", "knativeerrorcode": "503"}
    refused = {"knativeerrordest": "http://eventlog", "knativeerrorcode": "422"}
    broken = replace(to_event(payload(["r-3"]), "/test"), data=b"{}")
    letters = [
        to_event(payload(["r-1"]), "/test").extended(**unanswered),
        to_event(labels(["r-1"]), "/test").extended(knativeerrordest="http://eventlog"),
        to_event(payload(["r-2"]), "/test").extended(**refused),
        broken.extended(**unanswered),
    ]
    with serving(place, None) as eventlog:
        for letter in (*letters, *letters):
            assert eventlog.post(letter, "/dead")[0] == 202
    assert place.log.rows("1")["row_id"].to_pylist() == ["r-1"]
    assert place.log.labels()["row_id"].to_pylist() == ["r-1"]
    assert len(place.log.listed(f"s3://{place.settings.data_bucket}/eventlog/dead/")) == 2


def test_types_that_differ(place: Place) -> None:
    """A feature that is a number in one event and text in another is text; one that is always missing is null."""
    values: list[tuple[Any, ...]] = [(1, 2), (1.5, None), ("x", True), (None, None), (2**70, 1), (True, False)]
    with serving(place, None) as eventlog:
        for place_, pair in enumerate(values):
            ids = numbered(2 * place_, 2 * place_ + 2)
            eventlog.send(payload(ids, columns={"any": pair, "void": (None, None), "count": (1, 2)}))
    rows = place.log.rows("1", columns=["row_id", "any", "void", "count"]).sort_by("row_id").to_pydict()
    assert rows["any"] == [
        "1",
        "2",
        "1.5",
        None,
        "x",
        "true",
        None,
        None,
        "1.1805916207174113e+21",
        "1",
        "true",
        "false",
    ]
    assert set(rows["void"]) == {None}
    assert rows["count"] == [1, 2] * 6
