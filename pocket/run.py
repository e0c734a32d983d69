"""One pipeline run on this machine: the compiled file, executed by kfp.local in a process of its own."""

from __future__ import annotations

import fcntl
import json
import os
import re
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from contracts.errors import BusyError, DriftloopError, StorageFullError, disk_room, from_line, is_disk_full
from pocket import leftovers

OnEvent = Callable[[str, str], None]
"""Called with a step's name and `running`, `done` or `failed`."""

KEPT_RUNS = 10
"""Folders of older runs are removed; what they registered is in MLflow and S3."""
KEPT_LINES = 200

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_STARTED = re.compile(r"Executing task '([^']+)'")
_ENDED = re.compile(r"Task '([^']+)' finished with status (\w+)")
_PATIENCE = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "4",
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "30",
    "PYTHONUNBUFFERED": "1",
    "OMP_WAIT_POLICY": "PASSIVE",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}
"""How long a step asks a silent server again: half a minute. And trials that run at once must not spin for a core.

All of it unless the user says otherwise."""


@dataclass(frozen=True)
class Run:
    """A run that ended well."""

    folder: Path
    """Its log, its parameters and, below artifacts/, what every step wrote."""

    def output(self, step: str, name: str = "Output") -> str | None:
        """An output parameter of a step, or None if the step did not run."""
        values = self.outputs(step, name)
        return values[0] if values else None

    def outputs(self, step: str, name: str = "Output") -> list[str]:
        """An output parameter of every task of a step that ran in a fan-out."""
        written = self.folder.glob(f"artifacts/**/{step}/executor_output.json")
        return [str(json.loads(path.read_text())["parameterValues"][name]) for path in sorted(written)]

    def artifact(self, step: str, name: str) -> Path:
        """Path of an artifact of a step. DriftloopError if the step did not run."""
        found = next(iter(self.folder.glob(f"artifacts/**/{step}/{name}")), None)
        if found is None:
            raise DriftloopError(f"Step {step} left no {name}.", f"Its log: {self.folder / 'run.log'}")
        return found


def run(
    home: Path, env: Mapping[str, str], loop: str, compiled: Path, params: Mapping[str, str], on_event: OnEvent
) -> Run:
    """Run a compiled pipeline to its end. One run a loop at a time.

    Errors: BusyError; the DriftloopError a step ended with; StorageFullError; DriftloopError for anything unexpected,
    which names the log.
    """
    with disk_room(home / "runs"), _only_one(home, loop), TemporaryDirectory(prefix="driftloop-run-") as scratch:
        leftovers.clear_killed(home / "runs", loop)
        folder = _new_folder(home, loop)
        (folder / "params.json").write_text(json.dumps(dict(params), indent=1))
        leftovers.mark(folder, env)
        try:
            _execute(folder, scratch, {**_PATIENCE, **env}, compiled, on_event)
        except BaseException as error:
            leftovers.clear(folder, "KILLED" if isinstance(error, KeyboardInterrupt) else "FAILED")
            raise
        leftovers.unmark(folder)
        return Run(folder)


def _execute(folder: Path, scratch: str, env: Mapping[str, str], compiled: Path, on_event: OnEvent) -> None:
    last_words = folder / "termination.log"
    last_words.touch()
    places = (compiled, folder / "params.json", folder / "artifacts", scratch)
    with subprocess.Popen(
        [sys.executable, "-m", "pocket.kfp_local", *map(str, places)],
        env={**env, "DRIFTLOOP_TERMINATION_LOG": str(last_words)},
        stdin=subprocess.PIPE,  # its end tells the run that this process is gone, however it went
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    ) as process:
        try:
            last_lines = _follow(process, folder / "run.log", on_event)
        finally:
            _end(process)
    if process.returncode:
        raise _failure(last_words.read_text(), last_lines, folder / "run.log")


@contextmanager
def _only_one(home: Path, loop: str) -> Iterator[None]:
    """The lock goes with the process that holds it, so a killed run leaves none behind."""
    path = home / "locks" / f"run-{loop}"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            lock.seek(0)
            raise BusyError(
                f"A run of {loop} is in progress ({lock.read().strip()}).", "Wait for it, or end that process."
            ) from error
        lock.truncate(0)
        lock.write(f"pid {os.getpid()}, since {datetime.now(UTC):%H:%M:%S} UTC")
        lock.flush()
        yield


def _new_folder(home: Path, loop: str) -> Path:
    runs = home / "runs"
    folder = runs / f"{loop}-{datetime.now(UTC):%Y%m%dT%H%M%S.%f}"
    folder.mkdir(parents=True)
    for old in sorted(runs.glob(f"{loop}-2*"))[:-KEPT_RUNS]:
        _remove(old)
    return folder


def _remove(folder: Path) -> None:
    import shutil

    shutil.rmtree(folder, ignore_errors=True)


def _follow(process: subprocess.Popen[str], log: Path, on_event: OnEvent) -> list[str]:
    """Copy the process' output into the log and report steps; the last lines."""
    last: deque[str] = deque(maxlen=KEPT_LINES)
    with disk_room(log), log.open("w") as file:
        for line in process.stdout or ():
            plain = _COLOUR.sub("", line)
            file.write(plain)
            file.flush()
            last.append(plain)
            for started in _STARTED.finditer(plain):
                on_event(started[1], "running")
            for ended in _ENDED.finditer(plain):
                on_event(ended[1], "done" if ended[2] == "SUCCESS" else "failed")
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    return list(last)


def _failure(last_words: str, last_lines: list[str], log: Path) -> DriftloopError:
    """What the step itself said, else what its log looks like."""
    for line in last_words.splitlines():
        if told := from_line(line):
            return told
    if any(is_disk_full(OSError(line)) for line in last_lines):
        return StorageFullError(f"No space left on the disk that holds {log.parent}.", "Free some room and run again.")
    return DriftloopError(f"A step of the run failed unexpectedly: {_gist(last_lines)}", f"Its log: {log}")


def _gist(lines: list[str]) -> str:
    """The last line that looks like a Python error, or the last line."""
    errors = [line.strip() for line in lines if re.match(r"\s*[\w.]*(Error|Exception|Killed)\b", line)]
    return (errors or [line.strip() for line in lines if line.strip()] or ["no output"])[-1]


def _end(process: subprocess.Popen[str]) -> None:
    """Leave no process of the run behind, whatever ended it."""
    os.killpg(process.pid, signal.SIGKILL)  # nobody else's number before the process has been waited for
    process.wait()
