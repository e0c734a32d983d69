"""Errors a user may see, and their way from one process to another."""

from __future__ import annotations

import errno
import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts import errors
from contracts.errors import ConfigError, DataError, DriftloopError, StorageFullError, disk_room, from_line, to_line

KINDS = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, DriftloopError)]


def test_each_kind_has_its_exit_code() -> None:
    """No two kinds end the command line with the same code, and none with success."""
    codes = {kind.exit_code for kind in KINDS}

    assert len(codes) == len(KINDS)
    assert 0 not in codes


def test_text_is_what_and_remedy() -> None:
    """An error reads as what happened, then what to do."""
    assert str(DataError("It broke.", "Mend it.")) == "It broke. Mend it."
    assert str(DataError("It broke.")) == "It broke."


@given(st.sampled_from(KINDS), st.text(), st.text())
def test_error_survives_a_log_line(kind: type[DriftloopError], what: str, remedy: str) -> None:
    """Any error becomes one line, whatever is in front of it, and the same error again."""
    line = "2013-01-01 ERROR " + to_line(kind(what, remedy))
    found = from_line(line)

    assert len(line.splitlines()) == 1
    assert found is not None
    assert (type(found), found.what, found.remedy) == (kind, what, remedy)


def test_error_of_an_unknown_kind() -> None:
    """A kind that this version does not know is still an error a user may see."""
    line = to_line(ConfigError("It broke.", "Mend it.")).replace("ConfigError", "LaterError")

    found = from_line(line)

    assert type(found) is DriftloopError
    assert str(found) == "It broke. Mend it."


def test_other_lines_carry_no_error() -> None:
    """A line without the mark is just a line."""
    assert from_line("all is well") is None


@pytest.mark.parametrize(
    "body", ["", "{", "[]", "7", "{}", '{"kind": "DataError"}', '{"kind": [], "what": "", "remedy": ""}']
)
def test_broken_line_is_reported(body: str, caplog: pytest.LogCaptureFixture) -> None:
    """A line with the mark that cannot be read is logged, not lost and not fatal."""
    with caplog.at_level(logging.WARNING):
        assert from_line(errors.MARK + body) is None

    assert "unreadable error line" in caplog.text


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
def test_full_disk(code: int) -> None:
    """A full disk is said to be one, with its place."""
    with pytest.raises(StorageFullError, match="disk that holds /data"), disk_room("/data"):
        raise OSError(code, "full")


def test_full_disk_told_by_a_library() -> None:
    """A library's own text counts too, where it gives no error number."""
    with pytest.raises(StorageFullError), disk_room("/data"):
        raise OSError("IOError: [Errno 28] Error writing bytes to file. Detail: No space left on device")


def test_other_troubles_of_a_disk() -> None:
    """Any other trouble stays what it is."""
    with pytest.raises(PermissionError), disk_room("/data"):
        raise PermissionError("no")
