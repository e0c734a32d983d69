"""One pipeline run on this machine: the compiled file, executed by kfp.local in a process of its own."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from contracts.errors import DriftloopError, StorageFullError, disk_room, from_line, is_disk_full
from pocket import leftovers
from pocket.turn import Line, RunEndedError, new_folder, taken

OnEvent = Callable[[str, str], None]
"""Called with a step's name and `running`, `done` or `failed`."""

KEPT_LINES = 200
KILLED_SECONDS = 1.0
"""How long the processes of a run that was killed may hold its lock."""

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
    home: Path, env: Mapping[str, str], loop: str, compiled: Path, params: Mapping[str, object], on_event: OnEvent
) -> Run:
    """Run a compiled pipeline to its end. One run a loop at a time.

    Errors: BusyError; the DriftloopError a step ended with; StorageFullError; DriftloopError for anything unexpected,
    which names the log.
    """
    with Line() as line, taken(home, loop, line, KILLED_SECONDS) as lock:
        folder = new_folder(home, loop)
        execute(folder, lock, line, env, compiled, params, on_event)
        return Run(folder)


def execute(
    folder: Path,
    lock: int,
    line: Line,
    env: Mapping[str, str],
    compiled: Path,
    params: Mapping[str, object],
    on_event: OnEvent,
    warm: Path | None = None,
) -> None:
    """Run a compiled pipeline in its folder, for whoever has the loop's lock and holds the line.

    `warm`: socket of the Python whose forks its steps shall be.
    Errors: as `run`; RunEndedError if the line was cut before the pipeline was through.
    """
    with disk_room(folder), TemporaryDirectory(prefix="driftloop-run-") as scratch:
        (folder / "params.json").write_text(json.dumps(dict(params), indent=1))
        leftovers.mark(folder, env)
        try:
            _execute(folder, lock, line, scratch, environment(env), compiled, on_event, warm)
        except BaseException as error:
            leftovers.clear(folder, "KILLED" if isinstance(error, (KeyboardInterrupt, RunEndedError)) else "FAILED")
            raise
        leftovers.unmark(folder)


def environment(env: Mapping[str, str]) -> dict[str, str]:
    """What the steps of a run are given."""
    return {**_PATIENCE, **env}


def _execute(
    folder: Path,
    lock: int,
    line: Line,
    scratch: str,
    env: Mapping[str, str],
    compiled: Path,
    on_event: OnEvent,
    warm: Path | None,
) -> None:
    last_words = folder / "termination.log"
    last_words.touch()
    places = (compiled, folder / "params.json", folder / "artifacts", scratch, *([warm] if warm else []))
    with subprocess.Popen(
        [sys.executable, "-m", "pocket.kfp_local", *map(str, places)],
        env={**env, "DRIFTLOOP_TERMINATION_LOG": str(last_words)},
        stdin=line.far_end,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
        pass_fds=[lock],  # nobody takes the next turn while a process of this one lives
    ) as process:
        try:
            last_lines = _follow(process, folder / "run.log", on_event)
        finally:
            _end(process)
    if process.returncode and line.is_cut:
        raise RunEndedError("The run was ended.")
    if process.returncode:
        raise _failure(process.returncode, last_words.read_text(), last_lines, folder / "run.log")


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


def _failure(code: int, last_words: str, last_lines: list[str], log: Path) -> DriftloopError:
    """What the step itself said, else what its log looks like."""
    for line in last_words.splitlines():
        if told := from_line(line):
            return told
    if any(is_disk_full(OSError(line)) for line in last_lines):
        return StorageFullError(f"No space left on the disk that holds {log.parent}.", "Free some room and run again.")
    if code < 0:
        return DriftloopError(f"The run's process was ended by {signal.Signals(-code).name}.", f"Its log: {log}")
    return DriftloopError(f"A step of the run failed unexpectedly: {_gist(last_lines)}", f"Its log: {log}")


def _gist(lines: list[str]) -> str:
    """The last line that looks like a Python error, or the last line."""
    errors = [line.strip() for line in lines if re.match(r"\s*[\w.]*(Error|Exception|Killed)\b", line)]
    return (errors or [line.strip() for line in lines if line.strip()] or ["no output"])[-1]


def _end(process: subprocess.Popen[str]) -> None:
    """Leave no process of the run behind, whatever ended it."""
    os.killpg(process.pid, signal.SIGKILL)  # nobody else's number before the process has been waited for
    process.wait()
