"""Steps of a long command, as they are shown."""

from __future__ import annotations

import io
import sys

import pytest

from pocket.progress import Step
from scripts import progress


def test_away_from_a_terminal_every_step_is_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    """A log of CI has plain lines on stderr, and nothing on stdout."""
    with progress.shown() as on_progress:
        on_progress(Step("s3", "starting"))
        on_progress(Step("s3", "ready at http://127.0.0.1:8333", done=True))
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err == "s3: starting\ns3: ready at http://127.0.0.1:8333\n"


def test_on_a_terminal_every_service_has_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """A spinner a service, ticked when it is done."""
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")
    with progress.shown() as on_progress:
        on_progress(Step("s3", "starting"))
        on_progress(Step("mlflow", "starting"))
        on_progress(Step("s3", "ready", done=True))
    lines = terminal.getvalue().splitlines()
    s3 = [line for line in lines if "s3" in line][-1]
    mlflow = [line for line in lines if "mlflow" in line][-1]
    assert "✓" in s3
    assert "ready" in s3
    assert "✓" not in mlflow
    assert "starting" in mlflow


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        """Yes."""
        return True
