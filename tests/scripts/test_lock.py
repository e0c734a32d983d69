"""The check of the locks, with a program in uv's place that does what uv would."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts import lock


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project whose locks all hold one package."""
    (tmp_path / "requirements").mkdir()
    for name in lock.LOCKS:
        (tmp_path / "requirements" / f"{name}.txt").write_text("numpy==2.4.6\n")
    monkeypatch.setattr(lock, "ROOT", tmp_path)
    monkeypatch.setattr(lock, "UV", tmp_path / "uv")
    return tmp_path


def _uv(project: Path, body: str) -> None:
    # The last argument is the file to write; the first options tell whether the index may be asked.
    (project / "uv").write_text(f"#!/bin/sh\nfor output; do :; done\n{body}\n")
    (project / "uv").chmod(0o755)


def test_fresh_offline(project: Path) -> None:
    """Locks that the cache confirms are fresh, and the index is not asked."""
    _uv(project, 'case "$*" in *--offline*) ;; *) exit 2 ;; esac')
    assert lock.check() == 0


def test_fresh_online(project: Path) -> None:
    """Where the cache does not suffice, the index decides."""
    _uv(project, 'case "$*" in *--offline*) exit 1 ;; esac')
    assert lock.check() == 0


def test_stale(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A lock that would come out different fails the check and shows the difference; no file is changed."""
    _uv(project, 'echo "pandas==2.3.3" >> "$output"')
    assert lock.check() == 1
    printed = capsys.readouterr()
    assert "+pandas==2.3.3" in printed.out
    assert "make lock" in printed.err
    assert (project / "requirements" / "main.txt").read_text() == "numpy==2.4.6\n"


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ("error sending request for url", "the package index does not answer"),
        ("No solution found when resolving dependencies", "cannot be resolved"),
    ],
)
def test_unknown(project: Path, words: str, reason: str) -> None:
    """Without an answer from the index the check fails, says which of two things it was, and quotes uv."""
    _uv(project, f'echo "{words}" >&2; exit 1')
    with pytest.raises(lock.ResolutionError, match=reason) as caught:
        lock.check()
    assert words in str(caught.value)


def test_write(project: Path) -> None:
    """Writing changes the locks themselves."""
    _uv(project, 'echo "pandas==2.3.3" >> "$output"')
    assert lock.write("--no-upgrade") == 0
    assert (project / "requirements" / "drift.txt").read_text() == "numpy==2.4.6\npandas==2.3.3\n"
