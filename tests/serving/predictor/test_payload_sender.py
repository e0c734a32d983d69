"""From the spool to a real sink: batches, retries, rejects, the bound of the disk, and what another process left."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from pathlib import Path

import orjson
import pytest
from payload_parts import answer, duplicates, halves, logging_to, metric, packed, plane, rows_of, sinking, wait_until
from predictor_process import free_port

from contracts.cloudevent import CloudEvent
from contracts.errors import ConfigError
from serving.predictor.payload import sender, spool
from serving.predictor.payload.folder import create
from serving.predictor.payload.log import opened
from serving.predictor.payload.options import PayloadOptions
from serving.predictor.payload.reader import SpoolReader
from serving.predictor.payload.room import Room
from serving.predictor.payload.schema import Schema
from serving.predictor.payload.segment import FRAME
from serving.predictor.payload.sink import Outcome, Sink

ROWS = [f"{number}/0" for number in range(40)]


def ids(count: int, start: int = 0) -> list[str]:
    """Ids of requests."""
    return [str(number) for number in range(start, start + count)]


def test_a_full_batch_does_not_wait(tmp_path: Path) -> None:
    """An event is sent as soon as it has its rows, and never has more."""
    with sinking() as sink, logging_to(sink.url, tmp_path, payload_rows=10, payload_delay_ms=3_600_000) as log:
        wait_until(lambda: _is_idle(log))
        answer(log, *ids(40))
        wait_until(lambda: len(sink.row_ids) == 40)
        assert sink.row_ids == ROWS
        assert max(len(payload.row_ids) for payload in sink.payloads) <= 10


def test_a_lonely_row_waits_no_longer_than_the_delay(tmp_path: Path) -> None:
    """A batch that does not get full is sent all the same."""
    with sinking() as sink, logging_to(sink.url, tmp_path, payload_rows=1000) as log:
        answer(log, "0")
        wait_until(lambda: sink.row_ids == ["0/0"])


def test_a_large_request_is_cut(tmp_path: Path) -> None:
    """A request of more rows than an event may have comes in several, in order."""
    with sinking() as sink, logging_to(sink.url, tmp_path, payload_rows=10) as log:
        answer(log, "a", count=25)
        wait_until(lambda: len(sink.row_ids) == 25)
    assert [len(payload.row_ids) for payload in sink.payloads] == [10, 10, 5]
    assert [value for payload in sink.payloads for value in payload.columns["size"]] == list(map(float, range(25)))


def test_requests_are_not_cut_where_they_need_not_be(tmp_path: Path) -> None:
    """One that would not fit into a batch any more begins the next: half events cost as much as whole ones."""
    with sinking() as sink:
        with logging_to(sink.url, tmp_path, payload_rows=50, payload_delay_ms=60_000) as log:
            answer(log, "a", "b", "c", count=30)
            wait_until(lambda: len(sink.row_ids) >= 60)
        assert [len(payload.row_ids) for payload in sink.payloads] == [30] * 3


def test_the_rest_is_sent_at_the_end(tmp_path: Path) -> None:
    """What is logged when the process is asked to end is sent, and the spool is gone."""
    with sinking() as sink, logging_to(sink.url, tmp_path, payload_delay_ms=3_600_000) as log:
        answer(log, *ids(40))
    assert sink.row_ids == ROWS
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("status", [404, 408, 409, 429, 500, 503])
def test_an_event_is_sent_again(tmp_path: Path, status: int) -> None:
    """Statuses that may pass: the same event, with the same id, until it is taken."""
    before = metric("predictor_payload_retries_total")
    with sinking(status=lambda post: status if post < 2 else 202) as sink, logging_to(sink.url, tmp_path) as log:
        answer(log, "a")
        wait_until(lambda: sink.row_ids)
        assert (sink.row_ids, sink.posts) == (["a/0"], 3)
    assert metric("predictor_payload_retries_total") == before + 2


def test_a_sink_that_closes_connections_between_events() -> None:
    """A kept connection that turns out to be closed is made anew, without a word and without a wait."""
    event = CloudEvent({"id": "1", "source": "/a", "type": "b"}, b"{}", "application/json")
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=_answer_once_each, args=(listening, 3))
        thread.start()
        sink = Sink(f"http://127.0.0.1:{listening.getsockname()[1]}/a?b")
        assert [sink.post(event, 10).outcome for _ in range(3)] == [Outcome.SENT] * 3
        sink.close()
        thread.join()


@pytest.mark.parametrize(
    ("answer", "outcome", "words"),
    [
        (
            b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 202 Accepted\r\ncontent-length: 2\r\n\r\nok",
            Outcome.SENT,
            "202 'ok'",
        ),
        (b"HTTP/1.1 204 No Content\r\n\r\n", Outcome.SENT, "204 ''"),
        (b"HTTP/1.0 422 No\r\n\r\nthe rest is the answer", Outcome.REJECTED, "422 'the rest is the answer'"),
        (b"HTTP/1.1 503 No\r\ntransfer-encoding: chunked\r\n\r\n2\r\nno\r\n0\r\n\r\n", Outcome.AGAIN, "503 'no'"),
        (b"SSH-2.0-OpenSSH_9.9\r\n", Outcome.AGAIN, "HttpParser"),
        (b"HTTP/1.1 200 OK\r\ncontent-le", Outcome.AGAIN, "ConnectionResetError"),
        (b"", Outcome.AGAIN, "ConnectionResetError"),
        (b"HTTP/1.1 500 No\r\n\r\n" + b"x" * 2**21, Outcome.AGAIN, "more than"),
    ],
)
def test_any_answer_of_a_sink(answer: bytes, outcome: Outcome, words: str) -> None:
    """It is taken for what it says, whole or cut, and whatever it is the next event has a connection of its own."""
    event = CloudEvent({"id": "1", "source": "/a", "type": "b"}, b"{}" * 100_000, "application/json")
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=_answer_and_close, args=(listening, [answer] * 2))
        thread.start()
        sink = Sink(f"http://127.0.0.1:{listening.getsockname()[1]}/")
        found = [sink.post(event, 10) for _ in range(2)]
        thread.join()
        sink.close()
    assert [each.outcome for each in found] == [outcome] * 2
    assert words in found[0].words


def _answer_and_close(listening: socket.socket, answers: list[bytes]) -> None:
    for text in answers:
        connection, _ = listening.accept()
        with connection, connection.makefile("rb") as stream:
            while stream.readline() != b"\r\n":
                pass
            stream.read(200_000)
            with contextlib.suppress(ConnectionError):  # who asked may leave before the end of a long answer
                connection.sendall(text)


def _answer_once_each(listening: socket.socket, times: int) -> None:
    for _ in range(times):
        connection, _ = listening.accept()
        with connection, connection.makefile("rb") as stream:
            assert stream.readline() == b"POST /a?b HTTP/1.1\r\n"
            while stream.readline() != b"\r\n":
                pass
            stream.read(2)
            connection.sendall(b"HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n")


def test_a_rejected_event_is_skipped(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Any other status is told, counted, and the next event is sent."""
    before = metric("predictor_payload_rows_rejected_total")
    with sinking(status=lambda post: 422 if post == 0 else 202) as sink, logging_to(sink.url, tmp_path) as log:
        answer(log, "a")
        wait_until(lambda: sink.posts)
        answer(log, "b")
        wait_until(lambda: sink.row_ids)
        assert sink.row_ids == ["b/0"]
    assert metric("predictor_payload_rows_rejected_total") == before + 1
    assert "refused 1 rows for good: 422" in caplog.text


def test_the_sink_comes_back(tmp_path: Path) -> None:
    """While nobody listens, rows wait on the disk; all of them come, in order."""
    port = free_port()
    address = f"http://127.0.0.1:{port}/"
    before = metric("predictor_payload_retries_total")
    with logging_to(address, tmp_path) as log:
        answer(log, *ids(20))
        wait_until(lambda: metric("predictor_payload_retries_total") > before)
        answer(log, *ids(20, 20))
        with sinking(port) as sink:
            wait_until(lambda: len(sink.row_ids) == 40)
            assert sink.row_ids == ROWS


def test_a_sink_that_is_away_costs_bounded_disk(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """When the spool is full, new rows are dropped, counted and told; the old ones come, then new ones again."""
    port, dropped = free_port(), metric("predictor_payload_rows_dropped_total", reason="spool_full")
    with logging_to(f"http://127.0.0.1:{port}/", tmp_path, payload_spool_bytes=65_536) as log:
        spooled = metric("predictor_payload_rows_spooled_total")
        answer(log, *ids(2000))
        lost = metric("predictor_payload_rows_dropped_total", reason="spool_full") - dropped
        kept = int(metric("predictor_payload_rows_spooled_total") - spooled)
        assert (lost > 0, kept + lost) == (True, 2000)
        assert metric("predictor_payload_spool_bytes") == _disk(tmp_path) <= 65_536
        with sinking(port) as sink:
            wait_until(lambda: len(sink.row_ids) == kept)
            assert sink.row_ids == [f"{number}/0" for number in range(kept)]
            wait_until(lambda: _disk(tmp_path) < 65_536)
            answer(log, "later")
            wait_until(lambda: "later/0" in sink.row_ids)
    assert caplog.text.count("are not logged: spool_full") == 1  # not a line a row


def test_a_request_larger_than_the_spool(tmp_path: Path) -> None:
    """A request that could never fit is dropped with that reason, and nothing else is."""
    before = metric("predictor_payload_rows_dropped_total", reason="too_large")
    with sinking() as sink, logging_to(sink.url, tmp_path, payload_spool_bytes=65_536) as log:
        answer(log, "a", count=20_000)
        answer(log, "b", count=2000)  # more than one segment, less than the spool
        wait_until(lambda: len(sink.row_ids) == 2000)
    assert metric("predictor_payload_rows_dropped_total", reason="too_large") == before + 20_000


def test_a_disk_that_fails(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Where no file can be made, rows are dropped with that reason, and nothing ends."""
    before = metric("predictor_payload_rows_dropped_total", reason="disk_error")
    with sinking() as sink, logging_to(sink.url, tmp_path) as log:
        (folder,) = tmp_path.iterdir()
        (folder / "000000000001.segment").mkdir()
        answer(log, "a", "b")
        (folder / "000000000001.segment").rmdir()
    assert metric("predictor_payload_rows_dropped_total", reason="disk_error") == before + 2
    assert "no segment of" in caplog.text


def test_what_another_process_left_is_sent(tmp_path: Path) -> None:
    """The spool of a process that has ended is sent by the next, under its own model version, and removed."""
    _leave(tmp_path, 5)
    with sinking() as sink, logging_to(sink.url, tmp_path) as log:
        answer(log, "new")
        wait_until(lambda: len(sink.row_ids) == 6)
        assert {payload.model_version: payload.row_ids for payload in sink.payloads} == {
            "old": tuple(f"{number}/0" for number in range(5)),
            "7": ("new/0",),
        }
        wait_until(lambda: len(list(tmp_path.iterdir())) == 1)


def test_records_of_the_version_before(tmp_path: Path) -> None:
    """What a process left that wrote records in the form of the version before is sent like any other."""
    schema = Schema.of(plane(), "r").model_copy(update={"format": 1})
    folder, room, scores = create(tmp_path), Room(2**20), halves(1).tobytes()
    writer = spool.Spool(folder, schema.written(), room)
    told: list[tuple[list[object], bytes]] = [
        ([1, 1e9, 0.1, "a", None, None, None, [[1.5], ["green"]]], scores),
        ([1, 1e9, 0.1, "b", ["x"], ["2013-03-01T12:00:00+00:00"], None, None], scores + rows_of(None).matrix.tobytes()),
        ([1, 1e9, 0.1, "c", None, None, "ValueError: c", [[2], [None]]], b""),
    ]
    for head, numbers in told:
        json = orjson.dumps(head)
        assert writer.append(struct.pack("<I", len(json)) + json + numbers) is None
    folder.release()
    with sinking() as sink, logging_to(sink.url, tmp_path):
        wait_until(lambda: len(sink.row_ids) == 3)
    assert sink.row("a/0").items() >= {"size": 1.5, "colour": "green", "no": 0.5, "error": None}.items()
    assert sink.row("x").items() >= {"size": 0, "colour": "green", "yes": 0.5}.items()
    assert sink.row("c/0").items() >= {"size": 2, "colour": None, "no": None, "error": "ValueError: c"}.items()


def test_the_position_outlives_the_process(tmp_path: Path) -> None:
    """What the sink took is not sent again by the next process, unless the position was lost with it."""
    _leave(tmp_path, 5, sent=3)
    with sinking() as sink, logging_to(sink.url, tmp_path):
        wait_until(lambda: len(sink.row_ids) == 2)
    assert sink.row_ids == ["3/0", "4/0"]
    folder = _leave(tmp_path, 5, sent=3)
    position = (folder / "position").read_bytes()
    (folder / "position").write_bytes(position[:-1] + b"?")
    with sinking() as sink, logging_to(sink.url, tmp_path):
        wait_until(lambda: len(sink.row_ids) == 5)


def test_a_torn_record_is_recognised(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A record whose bytes are not those of its checksum is told and left out; those around it are sent."""
    before = metric("predictor_payload_records_damaged_total")
    segment = _leave(tmp_path, 3) / "000000000001.segment"
    content = bytearray(segment.read_bytes())
    at = content.rindex(b"green", 0, content.rindex(b"green"))  # in the second record
    content[at : at + 1] = b"G"
    segment.write_bytes(content)
    with sinking() as sink, logging_to(sink.url, tmp_path):
        wait_until(lambda: len(sink.row_ids) == 2)
    assert (sink.row_ids, duplicates(sink)) == (["0/0", "2/0"], [])
    assert metric("predictor_payload_records_damaged_total") == before + 1
    assert "damaged" in caplog.text


@pytest.mark.parametrize("kept", [0, 5, 400, 100_000])
def test_a_segment_cut_anywhere(tmp_path: Path, kept: int) -> None:
    """Of a file that lost its end, the whole records are sent, and the next process goes on."""
    segment = _leave(tmp_path, 50) / "000000000001.segment"
    segment.write_bytes(segment.read_bytes()[:kept])
    with sinking() as sink, logging_to(sink.url, tmp_path) as log:
        answer(log, "new")
        wait_until(lambda: "new/0" in sink.row_ids and len(list(tmp_path.iterdir())) == 1)
        assert sink.row_ids == [f"{number}/0" for number in range(len(sink.row_ids) - 1)] + ["new/0"]


def test_a_length_beyond_the_end(tmp_path: Path) -> None:
    """A length that cannot be ends its segment, and not the sender."""
    segment = _leave(tmp_path, 2) / "000000000001.segment"
    content = bytearray(segment.read_bytes())
    end = max(place for place, byte in enumerate(content) if byte) + 1
    content[end : end + FRAME.size] = FRAME.pack(2**31, 1)
    segment.write_bytes(content)
    with sinking() as sink, logging_to(sink.url, tmp_path):
        wait_until(lambda: len(list(tmp_path.iterdir())) == 1)
    assert sink.row_ids == ["0/0", "1/0"]


def test_no_two_processes_share_a_spool(tmp_path: Path) -> None:
    """Two logs on one folder have each its own within it; neither sends the other's rows while that lives."""
    with sinking() as one, sinking() as two, logging_to(one.url, tmp_path) as first:
        with logging_to(two.url, tmp_path) as second:
            answer(first, "a")
            answer(second, "b")
            wait_until(lambda: one.row_ids and two.row_ids)
            assert len(list(tmp_path.iterdir())) == 2
        assert (one.row_ids, two.row_ids) == (["a/0"], ["b/0"])


def test_the_bound_holds_with_what_was_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Spools left behind count, so that a process that is killed again and again does not fill the disk."""
    monkeypatch.setattr(sender, "ADOPT_SECONDS", 0.01)
    for _ in range(4):
        _leave(tmp_path, 5, size=65_536)
    before = metric("predictor_payload_rows_dropped_total", reason="spool_full")
    with logging_to(
        f"http://127.0.0.1:{free_port()}/", tmp_path, payload_spool_bytes=65_536, payload_flush_seconds=0
    ) as log:
        wait_until(lambda: metric("predictor_payload_spool_bytes") > 65_536)
        answer(log, "a")
    assert metric("predictor_payload_rows_dropped_total", reason="spool_full") == before + 1


def test_the_sample_is_the_same_everywhere(tmp_path: Path) -> None:
    """A share of the requests is logged, whole requests, and which ones hangs on their ids alone."""
    found = []
    for name in ("one", "two"):
        with sinking() as sink, logging_to(sink.url, tmp_path / name, payload_share=0.3) as log:
            answer(log, *ids(1000), count=2)
        found.append(sorted(sink.row_ids))
    assert found[0] == found[1]
    assert 2 * 200 < len(found[0]) < 2 * 400
    assert {row[-2:] for row in found[0]} == {"/0", "/1"}


def test_off_without_a_sink_or_share(tmp_path: Path) -> None:
    """Nothing is logged, and nothing is made on the disk."""
    for sink, share in ((None, 1.0), ("http://127.0.0.1:1/", 0.0)):
        with opened(plane(), PayloadOptions(sink, "r", tmp_path / "spool", 500, 200, share, 65_536, 5)) as log:
            assert log is None
    assert not (tmp_path / "spool").exists()


def test_a_spool_that_cannot_be(tmp_path: Path) -> None:
    """The error names the folder and the option."""
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="--payload-spool"), logging_to("http://127.0.0.1:1/", tmp_path / "file"):
        pass


def _is_idle(log: object) -> bool:
    """Whether the sender waits for a batch; it has looked at its spool before."""
    thread = log._sender  # type: ignore[attr-defined]
    return bool(thread._full._cond._waiters)


def _disk(root: Path) -> int:
    return sum(path.stat().st_size for path in root.rglob("*.segment"))


def _leave(root: Path, count: int, sent: int = 0, size: int = 2**20) -> Path:
    """The spool of a process of model version `old` that was killed after it had logged so many requests."""
    folder, room = create(root), Room(4 * size)
    schema = Schema.of(plane(), "r").model_copy(update={"model_version": "old"})
    writer = spool.Spool(folder, schema.written(), room)
    for number in range(count):
        assert writer.append(packed(rows_of(str(number)), str(number), halves(1))) is None
    if sent:
        reader = SpoolReader(folder, room, writer)
        batch = reader.read(sent)
        assert batch is not None
        reader.commit(batch)
        reader.close()
    folder.release()
    return folder.path
