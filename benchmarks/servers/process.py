"""A server under measurement: started on its processor, ready, weighed, stopped."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType

import psutil

from contracts.errors import UnavailableError
from pocket import probe

READY_SECONDS = 120
"""How long a server may take on a busy machine."""
_POLL_SECONDS = 0.005
_GRACE_SECONDS = 8
_LOG_LINES = 15


class ServerProcess:
    """A process with its children, from start to stop. As a context it is stopped in the end."""

    def __init__(self, line: Sequence[str], port: int, ready_path: str, log: Path, env: Mapping[str, str]) -> None:
        self.port = port
        self._log = log
        self._ready_path = ready_path
        self._begun = time.perf_counter()
        with log.open("wb") as output:
            self._process = psutil.Popen(line, stdout=output, stderr=subprocess.STDOUT, cwd=log.parent, env=dict(env))

    def await_ready(self) -> float:
        """Seconds from its start until it said it was ready. UnavailableError with its last words if it does not."""
        while (waited := time.perf_counter() - self._begun) < READY_SECONDS and self._process.poll() is None:
            if probe.status(self.port, self._ready_path) == 200:
                return waited
            time.sleep(_POLL_SECONDS)
        words = "\n".join(self._log.read_text(errors="replace").splitlines()[-_LOG_LINES:])
        raise UnavailableError(f"{self._log.stem} was not ready after {waited:.0f} s. Its last words:\n{words}")

    def resident_bytes(self) -> int:
        """Of it and all it started."""
        return sum(process.memory_info().rss for process in self._all())

    def cpu_seconds(self) -> float:
        """User and system time so far, of it and all it started."""
        times = [process.cpu_times() for process in self._all()]
        return float(sum(used.user + used.system for used in times))

    def stop(self, grace_seconds: float = _GRACE_SECONDS) -> int:
        """Ask it to end, and make sure; its exit code."""
        started = self._all()
        if self._process.poll() is None:
            self._process.terminate()
        _, left = psutil.wait_procs(started, grace_seconds)
        for process in left:
            process.kill()
        return int(self._process.wait(_GRACE_SECONDS))

    def __enter__(self) -> ServerProcess:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self.stop()

    def _all(self) -> list[psutil.Process]:
        return [self._process, *self._process.children(recursive=True)] if self._process.is_running() else []


def plain_environment() -> dict[str, str]:
    """The environment without what would lead a server to other servers than the benchmark's, or change its ports."""
    others = ("AWS_", "DRIFTLOOP_", "K_", "MLFLOW_", "MLSERVER_", "OMP_", "PORT")
    return {name: value for name, value in os.environ.items() if not name.startswith(others)}
