"""Runs of a loop take turns."""

from __future__ import annotations

import os
import subprocess
from math import inf
from pathlib import Path
from threading import Timer

import pytest

from contracts.errors import BusyError
from pocket.turn import KEPT_RUNS, Line, RunEndedError, new_folder, taken


def test_a_second_run_is_refused(tmp_path: Path) -> None:
    """With the process that holds the turn; another loop's is not."""
    with Line() as line, taken(tmp_path, "flights", line, 0):
        with pytest.raises(BusyError, match=f"A run of flights is in progress \\(pid {os.getpid()}"):
            taken(tmp_path, "flights", line, 0).__enter__()
        with taken(tmp_path, "trains", line, 0):
            pass


def test_who_waits_may_be_ended(tmp_path: Path) -> None:
    """By cutting its line, from another thread."""
    with Line() as first, Line() as second, taken(tmp_path, "flights", first, 0):
        Timer(0.2, second.cut).start()
        with pytest.raises(RunEndedError):
            taken(tmp_path, "flights", second, inf).__enter__()


def test_the_turn_lasts_as_long_as_the_run_s_process(tmp_path: Path) -> None:
    """Also if whoever started it is gone; the process knows by its line, which closes."""
    with Line() as line:
        with taken(tmp_path, "flights", line, 0) as lock:
            run = subprocess.Popen(["cat"], stdin=line.far_end, pass_fds=[lock])
        with Line() as other, pytest.raises(BusyError):
            taken(tmp_path, "flights", other, 0).__enter__()
        line.cut()
        with Line() as other, taken(tmp_path, "flights", other, inf):
            assert run.wait() == 0


def test_the_oldest_folders_go(tmp_path: Path) -> None:
    """Each run has its own; those of another loop are not counted."""
    folders = [new_folder(tmp_path, "flights") for _ in range(KEPT_RUNS + 2)]
    other = new_folder(tmp_path, "trains")
    assert [folder.exists() for folder in (*folders, other)] == [False, False] + [True] * (KEPT_RUNS + 1)
