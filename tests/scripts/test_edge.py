"""The process' edge: every end of a command is an exit code, and every failure a sentence."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from contracts.errors import BusyError, DriftloopError, IntegrityError, UnavailableError
from scripts import edge


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The home of the command, and no traceback asked for."""
    monkeypatch.setenv("DRIFTLOOP_HOME", str(tmp_path))
    yield tmp_path
    logging.getLogger("driftloop").setLevel(logging.NOTSET)


def failing(error: BaseException) -> Callable[[], object]:
    """A command that ends so."""

    def command() -> object:
        raise error

    return command


@pytest.mark.parametrize(("end", "code"), [(None, 0), (0, 0), (3, 3), ("no", 1)])
def test_a_commands_own_exit_code_stands(end: int | str | None, code: int) -> None:
    """`sys.exit` and `typer.Exit` mean what they say."""
    assert edge.run(failing(SystemExit(end))) == code


def test_a_command_that_returns_is_fine() -> None:
    """No news is 0."""
    assert edge.run(lambda: "whatever") == 0


@pytest.mark.parametrize("kind", [DriftloopError, BusyError, IntegrityError, UnavailableError])
def test_an_expected_failure_is_two_sentences_and_its_code(
    kind: type[DriftloopError], capsys: pytest.CaptureFixture[str], home: Path
) -> None:
    """What happened, what to do, the kind's exit code, and no traceback anywhere."""
    assert edge.run(failing(kind("S3 at [here] is away.", "Run `driftloop up`."))) == kind.exit_code
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err == "error: S3 at [here] is away.\nRun `driftloop up`.\n"
    assert list(home.iterdir()) == []


def test_an_interrupt_ends_with_130(capsys: pytest.CaptureFixture[str]) -> None:
    """Ctrl-C needs no explanation."""
    assert edge.run(failing(KeyboardInterrupt())) == 130
    assert capsys.readouterr().err == ""


def test_an_unexpected_failure_is_one_line_and_a_logged_traceback(
    capsys: pytest.CaptureFixture[str], home: Path
) -> None:
    """The user reads where the traceback is; the traceback is there, after those of before."""
    for text in ("first", "second"):
        assert edge.run(failing(LookupError(text))) == 1
    told = capsys.readouterr().err
    log = home / "logs" / "cli.log"
    assert "Traceback" not in told
    assert str(log) in told
    assert "LookupError: second" in told
    written = log.read_text()
    assert written.index("LookupError: first") < written.index("LookupError: second")
    assert written.count("Traceback") == 2


def test_debug_shows_the_traceback(capsys: pytest.CaptureFixture[str], home: Path) -> None:
    """With --debug it is on the screen, and needs no file."""
    edge.show_tracebacks(True)
    assert edge.run(failing(LookupError("deep"))) == 1
    assert "Traceback" in capsys.readouterr().err
    assert list(home.iterdir()) == []


def test_a_home_that_cannot_be_written_hides_nothing(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, home: Path
) -> None:
    """If the log cannot be written the traceback is shown."""
    (home / "file").touch()
    monkeypatch.setenv("DRIFTLOOP_HOME", str(home / "file"))
    assert edge.run(failing(LookupError("deep"))) == 1
    assert "LookupError: deep" in capsys.readouterr().err
