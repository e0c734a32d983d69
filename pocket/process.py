"""Processes that outlive the command that starts them: spawn, find, stop. Known by a token, for a pid is re-used."""

from __future__ import annotations

import signal
import subprocess
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence, Set
from contextlib import suppress
from pathlib import Path

import psutil

from contracts.errors import UnavailableError, disk_room

_MARK = "DRIFTLOOP_SERVICE_TOKEN"
"""Variable in the environment of every process of a service."""
KILL_SECONDS = 5.0
LOAD_SECONDS = 5.0
POLL_SECONDS = 0.02

_children: list[subprocess.Popen[bytes]] = []
"""Kept so that a child that ends is reaped by the interpreter that started it, if that still runs."""


def new_token() -> str:
    """A word no other process carries."""
    return uuid.uuid4().hex


def spawn(command: Sequence[str], env: Mapping[str, str], token: str, folder: Path, log: Path) -> int:
    """Start a command in a session of its own, with its output in a file; its pid."""
    with disk_room(log):
        if log.exists():
            log.replace(log.with_name(log.name + ".1"))
        output = log.open("wb")
    with output:
        try:
            child = subprocess.Popen(
                command,
                env={**env, _MARK: token},
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as error:
            raise UnavailableError(f"{command[0]} cannot be run: {error}.", "Install the project again.") from error
    _children.append(child)
    try:
        _wait_for_token(child, token)
    except BaseException:  # interrupted before its token can be seen: nobody else would find it
        child.kill()
        raise
    return child.pid


def unmarked(env: Mapping[str, str]) -> dict[str, str]:
    """A service's environment for a process that it ends itself: whoever stops the service leaves that one to it."""
    return {name: value for name, value in env.items() if name != _MARK}


def members(token: str) -> list[psutil.Process]:
    """Every living process that carries the token: the one that was spawned and its descendants."""
    _reap()
    return [process for process in psutil.process_iter() if token and _token_of(process) == token]


def is_running(pid: int, token: str) -> bool:
    """Whether the process that was spawned still lives."""
    _reap()
    try:
        return bool(token) and _token_of(psutil.Process(pid)) == token
    except (psutil.NoSuchProcess, ValueError):
        return False


def listeners(token: str) -> set[tuple[str, int]]:
    """(address, port) of every TCP socket on which processes with the token listen."""
    return {place for process in members(token) for place in _listening(process)}


def stop(token: str, grace_seconds: float) -> None:
    """End every process with the token: TERM, then KILL what is left. UnavailableError if one stays."""
    own = {process.pid for process in members(token)}
    _signal_all(token, signal.SIGTERM, grace_seconds)
    _signal_all(token, signal.SIGKILL, KILL_SECONDS)
    left = members(token)
    _bury(own - {process.pid for process in left})
    if left:
        pids = ", ".join(str(process.pid) for process in left)
        raise UnavailableError(f"Processes {pids} cannot be stopped.", "End them by hand.")


def _signal_all(token: str, number: signal.Signals, wait_seconds: float) -> None:
    for process in members(token):
        with suppress(psutil.NoSuchProcess):  # it ended by itself meanwhile, as wanted
            process.send_signal(number)  # psutil refuses if the pid has been re-used since
            process.send_signal(signal.SIGCONT)  # a suspended process gets no other signal but KILL
    deadline = time.monotonic() + wait_seconds
    while members(token) and time.monotonic() < deadline:  # a zombie, which carries no token, is not waited for
        time.sleep(POLL_SECONDS)


def _wait_for_token(child: subprocess.Popen[bytes], token: str) -> None:
    """A program that is just being loaded shows no environment for a moment, and would not be known as ours."""
    deadline = time.monotonic() + LOAD_SECONDS
    while child.poll() is None and not is_running(child.pid, token) and time.monotonic() < deadline:
        time.sleep(0.001)


def _token_of(process: psutil.Process) -> str | None:
    try:
        return process.environ().get(_MARK)
    except (psutil.NoSuchProcess, psutil.AccessDenied, OSError):  # gone, a zombie, or another user's: not ours
        return None


def _listening(process: psutil.Process) -> Iterator[tuple[str, int]]:
    # psutil 6 renamed the method; kserve still asks for psutil 5.
    connections = getattr(process, "net_connections", None) or process.connections
    try:
        found = connections(kind="tcp")
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return
    for connection in found:
        if connection.status == psutil.CONN_LISTEN:
            yield connection.laddr.ip, connection.laddr.port


def _bury(pids: Set[int]) -> None:
    """Wait for the children of this interpreter among processes that have ended, or are just about to."""
    for child in _children:
        if child.pid in pids:
            child.wait(KILL_SECONDS)
    _reap()


def _reap() -> None:
    _children[:] = [child for child in _children if child.poll() is None]
