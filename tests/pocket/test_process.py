"""Processes by token: started, found, stopped, and nobody else's touched."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from contracts.errors import UnavailableError
from pocket import process

STUBBORN = """
import os, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
os.fork()
print("deaf", flush=True)
time.sleep(600)
"""


@pytest.fixture
def token() -> Iterator[str]:
    """A token whose processes are gone afterwards."""
    token = process.new_token()
    yield token
    process.stop(token, grace_seconds=0)


def spawn(token: str, folder: Path, script: str) -> int:
    """Run a Python script as a service."""
    return process.spawn([sys.executable, "-c", script], os.environ, token, folder, folder / "log")


def wait_until(happened: Callable[[], bool]) -> None:
    """Poll a condition; the test's own time limit ends a wait in vain."""
    while not happened():
        time.sleep(0.01)


def test_a_spawned_process_runs_in_a_session_of_its_own(token: str, tmp_path: Path) -> None:
    """Ctrl-C in the terminal that started it does not reach it."""
    pid = spawn(token, tmp_path, "import time; time.sleep(600)")
    assert process.is_running(pid, token)
    assert os.getsid(pid) == pid != os.getsid(0)


def test_output_and_errors_go_to_the_log(token: str, tmp_path: Path) -> None:
    """The log has both streams of this life; the life before is kept beside it."""
    script = "import sys; print('out', flush=True); print('err', file=sys.stderr)"
    for _ in range(2):
        spawn(token, tmp_path, script)
        wait_until(lambda: not process.members(token))
    assert (tmp_path / "log").read_text() == (tmp_path / "log.1").read_text() == "out\nerr\n"


def test_a_program_that_is_not_there_is_told(token: str, tmp_path: Path) -> None:
    """What cannot be run is named."""
    with pytest.raises(UnavailableError, match="no-such-program"):
        process.spawn(["no-such-program"], os.environ, token, tmp_path, tmp_path / "log")


def test_a_process_deaf_to_term_is_killed_with_its_children(token: str, tmp_path: Path) -> None:
    """After the grace period every process of the service goes."""
    spawn(token, tmp_path, STUBBORN)
    wait_until(lambda: (tmp_path / "log").read_text().count("deaf") == 2)
    both = process.members(token)
    assert len(both) == 2
    process.stop(token, grace_seconds=0.2)
    assert process.members(token) == []
    assert not any(member.is_running() and member.status() != psutil.STATUS_ZOMBIE for member in both)


def test_children_of_a_killed_parent_are_still_found(token: str, tmp_path: Path) -> None:
    """A service whose first process was killed leaves no orphan behind a stop."""
    pid = spawn(token, tmp_path, STUBBORN)
    wait_until(lambda: (tmp_path / "log").read_text().count("deaf") == 2)
    os.kill(pid, 9)
    wait_until(lambda: not process.is_running(pid, token))
    assert len(process.members(token)) == 1
    process.stop(token, grace_seconds=0)
    assert process.members(token) == []


def test_a_process_with_another_token_is_not_ours(token: str, tmp_path: Path) -> None:
    """A pid that now belongs to somebody else is neither running for us nor stopped by us."""
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]) as stranger:
        assert not process.is_running(stranger.pid, token)
        process.stop(token, grace_seconds=5)
        assert stranger.poll() is None
        stranger.kill()


def test_no_token_means_no_process() -> None:
    """The record of a stopped service stops nothing."""
    process.stop("", grace_seconds=0)
    assert not process.is_running(os.getpid(), "")
    assert process.members("") == []


def test_listeners_are_found(token: str, tmp_path: Path) -> None:
    """Address and port of every listening socket of a service."""
    listen = "import socket, time; s = socket.create_server(('127.0.0.1', 0)); print(s.getsockname()[1], flush=True)"
    spawn(token, tmp_path, f"{listen}; time.sleep(600)")
    wait_until(lambda: (tmp_path / "log").read_text().endswith("\n"))
    assert process.listeners(token) == {("127.0.0.1", int((tmp_path / "log").read_text()))}
