"""The spool from both ends: what is appended is read once, in order, however it is cut and wherever it was written."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from payload_parts import answer, halves, logging_to, metric, plane, rows_of, sinking, together, wait_until

from serving.predictor.payload.folder import create
from serving.predictor.payload.packing import Packer
from serving.predictor.payload.reader import SpoolReader
from serving.predictor.payload.record import Record
from serving.predictor.payload.request_id import NewIds
from serving.predictor.payload.room import Room
from serving.predictor.payload.row_ids import texts_of
from serving.predictor.payload.schema import Schema
from serving.predictor.payload.spool import Spool
from serving.predictor.payload.usual import Logged, Packed
from serving.predictor.rows import UNTOLD, Rows

REQUESTS = st.lists(
    st.tuples(st.integers(1, 40), st.booleans(), st.booleans() | st.just(True), st.integers(1, 9)), max_size=60
)
"""Rows, whether they were sent as a matrix, whether the client told an id, and how many of the kind come together."""


def _logged(name: str | None, count: int, *, is_matrix: bool, seconds: float = 0.001) -> Logged:
    rows = rows_of(name, count)
    sent = Rows(rows.matrix, None if is_matrix else rows.columns, UNTOLD, name)
    return sent, halves(count), {}, seconds, None


def _packed(name: str, count: int, *, is_matrix: bool) -> bytes:
    kept: list[Packed] = together(Packer(NewIds(), 1), _logged(name, count, is_matrix=is_matrix))
    ((record, *_),) = kept
    return record


def _rows(reader: SpoolReader, rows: int) -> list[tuple[str, float, float]]:
    """All that is there: a row's id, its first feature, and its seconds."""
    found: list[tuple[str, float, float]] = []
    while (batch := reader.read(rows)) is not None:
        assert batch.rows == sum(record.rows for record in batch.records)
        for record in batch.records:
            sizes = record.columns[0] if record.columns is not None else _first_of(record)
            seconds = np.repeat(record.seconds, record.each).tolist()
            found += zip(texts_of(record.row_ids), sizes, seconds, strict=True)
        reader.commit(batch)
    return found


def _first_of(record: Record) -> list[float]:
    assert record.matrix is not None
    found: list[float] = record.matrix[:, 0].tolist()
    return found


def _read(reader: SpoolReader, rows: int) -> list[str]:
    """The ids of all rows that are there."""
    return [row_id for row_id, *_ in _rows(reader, rows)]


@given(turns=REQUESTS, rows=st.integers(1, 300), every=st.integers(1, 10))
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_written_is_read_once(
    turns: list[tuple[int, bool, bool, int]], rows: int, every: int, tmp_path: Path
) -> None:
    """By the process itself, which writes its segments again and again, and by one that finds what is left."""
    folder, room, packer = create(tmp_path), Room(2**16), Packer(NewIds(), 1)
    spool = Spool(folder, Schema.of(plane(), "r").written(), room)
    reader = SpoolReader(folder, room, spool)
    expected: list[tuple[str | None, float, float]] = []
    found: list[tuple[str, float, float]] = []
    for number, (count, is_matrix, is_named, many) in enumerate(turns):
        names = [f"{number}.{place}" if is_named else None for place in range(many)]
        times = [number + place / 16 for place in range(many)]
        logged = [
            _logged(name, count, is_matrix=is_matrix, seconds=time) for name, time in zip(names, times, strict=True)
        ]
        for record, _, form, opening in together(packer, *logged):
            assert spool.append(record, form, opening) is None
        expected += [
            (None if name is None else f"{name}/{row}", row, time)
            for name, time in zip(names, times, strict=True)
            for row in range(count)
        ]
        if number % every == 0:
            found += _rows(reader, rows)
    reader.close()
    left = SpoolReader(folder, room)
    found += _rows(left, rows)
    assert [told for _, *told in found] == [told for _, *told in expected]
    assert all(name is None or name == row_id for (name, *_), (row_id, *_) in zip(expected, found, strict=True))
    assert len({row_id for row_id, *_ in found}) == len(found)
    left.close()
    folder.remove()


@pytest.fixture
def hasty() -> Iterator[None]:
    """Threads that are interrupted everywhere."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("hasty")
def test_what_grows_while_it_is_read(tmp_path: Path) -> None:
    """Two threads at once, and records that grow all the time: every row is read once."""
    folder, room = create(tmp_path), Room(2**20)
    spool = Spool(folder, Schema.of(plane(), "r").written(), room)
    reader, expected = SpoolReader(folder, room, spool), [f"{number}/0" for number in range(20_000)]

    def write() -> None:
        packer = Packer(NewIds(), 1)
        for row_id in expected:
            ((record, _, form, opening),) = together(packer, _logged(row_id[:-2], 1, is_matrix=True))
            while spool.append(record, form, opening) is not None:
                time.sleep(0.001)

    with ThreadPoolExecutor(1) as aside:
        writing, found = aside.submit(write), list[str]()
        while not writing.done():
            found += _read(reader, 50)
        found += _read(reader, 50)
        writing.result()
    assert found == expected


def test_segments_are_written_again(tmp_path: Path) -> None:
    """However much is logged and sent, the files are few, and no more than two are ever made."""
    folder, room = create(tmp_path), Room(2**16)
    spool = Spool(folder, Schema.of(plane(), "r").written(), room)
    reader = SpoolReader(folder, room, spool)
    files = set()
    for number in range(100):
        assert spool.append(_packed(str(number), 200, is_matrix=True)) is None
        assert _read(reader, 500) == [f"{number}/{row}" for row in range(200)]
        files |= {path.stat().st_ino for path in folder.path.glob("*.segment")}
    assert spool.sequence > 10
    assert len(files) == 2
    assert folder.bytes() == 2 * 2**14


def test_a_spare_segment_makes_room_for_a_large_record(tmp_path: Path) -> None:
    """What is kept to be written again never keeps a request out."""
    folder, room = create(tmp_path), Room(2**16)
    spool = Spool(folder, Schema.of(plane(), "r").written(), room)
    reader = SpoolReader(folder, room, spool)
    for number in range(4):
        assert spool.append(_packed(str(number), 900, is_matrix=True)) is None
        _read(reader, 10_000)
    assert spool.append(_packed("large", 2600, is_matrix=True)) is None  # 42 kB of 64
    assert len(_read(reader, 10_000)) == 2600


def test_a_segment_that_cannot_be_renamed(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """It is told as any failure of the disk, and tried again."""
    folder, room = create(tmp_path), Room(2**16)
    spool = Spool(folder, Schema.of(plane(), "r").written(), room)
    reader = SpoolReader(folder, room, spool)
    number = 0
    while spool._spare is None:
        number += 1
        assert spool.append(_packed(str(number), 500, is_matrix=True)) is None
        _read(reader, 10_000)
    moved = folder.path.rename(tmp_path / "moved")
    refusal = None
    while refusal is None:
        refusal = spool.append(_packed("x", 500, is_matrix=True))
    assert refusal == "disk_error"
    assert "no segment" in caplog.text
    moved.rename(folder.path)
    wait_until(lambda: spool.append(_packed("y", 500, is_matrix=True)) is None)


def test_rows_are_kept_from_commit_on(tmp_path: Path) -> None:
    """What is logged in one turn is one record; nothing of it is sent before."""
    with sinking() as sink, logging_to(sink.url, tmp_path, payload_delay_ms=1) as log:
        for name in "abcdef":
            log.add(rows_of(name), halves(1), {}, 0.001, None)
        assert log._spool.sequence == 0
        answer(log, "g")
        wait_until(lambda: len(sink.row_ids) == 7)
    assert sink.row_ids == [f"{name}/0" for name in "abcdefg"]


def test_a_request_that_cannot_be_packed(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Its rows, and those answered with it, are counted as lost; what comes after it is not."""
    before = metric("predictor_payload_rows_dropped_total", reason="failed")
    with sinking() as sink, logging_to(sink.url, tmp_path) as log:
        log.add(rows_of("whole")._replace(columns=None, identity=UNTOLD, request_id=None), halves(1), {}, 0.001, None)
        log.add(rows_of("broken", 2)._replace(columns=[[object()] * 2, ["red"] * 2]), halves(2), {}, 0.001, None)
        log.commit()
        answer(log, "next")
    assert sink.row_ids == ["next/0"]
    assert metric("predictor_payload_rows_dropped_total", reason="failed") == before + 3
    assert "up to 3 rows are not logged" in caplog.text
