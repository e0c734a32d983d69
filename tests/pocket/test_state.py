"""What is remembered on disk, and the lock around it."""

from __future__ import annotations

from pathlib import Path

import pytest

from contracts.errors import BusyError, ConfigError
from pocket import state
from pocket.progress import Step, silent
from pocket.state import Record

RECORD = Record("s3", "t0ken", 4711, 1.5, {"http": 8333}, {"bucket": "a"})


def test_a_record_is_read_as_it_was_written(tmp_path: Path) -> None:
    """Nothing is lost between two commands."""
    state.write(tmp_path, RECORD)
    assert state.read(tmp_path, "s3") == RECORD
    assert RECORD.address == "http://127.0.0.1:8333"


def test_a_stopped_record_keeps_ports_and_detail() -> None:
    """The next life has the same address."""
    stopped = RECORD.stopped()
    assert (stopped.token, stopped.pid, stopped.ports, stopped.detail) == ("", 0, RECORD.ports, RECORD.detail)


def test_nothing_is_read_where_nothing_was_written(tmp_path: Path) -> None:
    """A service never started, or forgotten, has no record."""
    assert state.read(tmp_path, "s3") is None
    state.write(tmp_path, RECORD)
    state.remove(tmp_path, "s3")
    assert state.read(tmp_path, "s3") is None


@pytest.mark.parametrize("text", ["", "[]", '{"service": "s3"}', "{"])
def test_a_damaged_record_is_named(tmp_path: Path, text: str) -> None:
    """A file that is no record is an error in words, with its path."""
    state.write(tmp_path, RECORD)
    (tmp_path / "state" / "s3.json").write_text(text)
    with pytest.raises(ConfigError, match=r"state/s3\.json is not a record"):
        state.read(tmp_path, "s3")


def test_a_private_file_is_its_owners_alone_and_whole(tmp_path: Path) -> None:
    """Mode 0600 from its first byte, in a folder 0700, and nothing temporary left beside it."""
    folder = tmp_path / "secrets"
    state.private_folder(folder)
    state.private_file(folder / "keys", "secret")
    assert folder.stat().st_mode & 0o777 == 0o700
    assert (folder / "keys").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in folder.iterdir()] == ["keys"]


def test_the_lock_is_held_by_one(tmp_path: Path) -> None:
    """A second holder is told to wait, and gives up with BusyError."""
    told: list[Step] = []
    with (
        state.locked(tmp_path, silent),
        pytest.raises(BusyError, match=str(tmp_path)),
        state.locked(tmp_path, told.append, seconds=0.1),
    ):
        pytest.fail("two held one lock")
    assert [step.what for step in told] == ["waiting for another driftloop command"]


def test_the_lock_is_free_after_its_holder(tmp_path: Path) -> None:
    """Locks follow one another, an error inside included."""
    with pytest.raises(ValueError, match="inside"), state.locked(tmp_path, silent):
        raise ValueError("inside")
    with state.locked(tmp_path, silent, seconds=0):
        pass
