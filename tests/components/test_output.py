"""Outputs are whole or not there."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from components.output import whole
from contracts.errors import StorageFullError


def test_a_file_takes_its_name_when_it_is_whole(tmp_path: Path) -> None:
    """Until then an older one of the name stays."""
    path = tmp_path / "report"
    path.write_text("old")
    with whole(path) as partial:
        partial.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_fails_is_removed(tmp_path: Path) -> None:
    """With what was in it; the failure goes on."""
    with pytest.raises(KeyError):
        _fail_half_way(tmp_path / "model", KeyError())
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_named(tmp_path: Path) -> None:
    """By the output that has no room."""
    with pytest.raises(StorageFullError, match="model"):
        _fail_half_way(tmp_path / "model", OSError(errno.ENOSPC, "No space left on device"))
    assert list(tmp_path.iterdir()) == []


def test_nothing_written_is_a_mistake_of_the_step(tmp_path: Path) -> None:
    """There is no empty output."""
    with pytest.raises(FileNotFoundError), whole(tmp_path / "frame"):
        pass


def _fail_half_way(path: Path, error: Exception) -> None:
    with whole(path) as partial:
        partial.mkdir()
        (partial / "model.ubj").write_text("half")
        raise error
