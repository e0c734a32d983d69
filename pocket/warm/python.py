"""Starts the warm server, keeps it as new as the code it has imported, and says how to ask it for a step."""

from __future__ import annotations

import contextlib
import shlex
import socket
import subprocess
import sys
import sysconfig
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from pocket.checkout import ROOT
from pocket.warm import client

AHEAD = (
    *("kfp.dsl.executor_main", "pandas", "pyarrow.parquet", "components.ingest", "components.features", "duckdb"),
    *("feast", "mlflow", "components.train", "xgboost", "sklearn.ensemble", "sklearn.linear_model", "skops.io"),
    *("components.select", "components.evaluate", "components.register", "matplotlib.figure", "jinja2"),
    *("components.refit", "kubernetes.client", "components.rollout"),
)
"""What steps import, in the order in which a run needs it. Pandera is not there: it changes how pyarrow reads times."""

_OURS = ("components", "contracts", "feature_store", "serving")


def ahead_of(compiled: str) -> Sequence[str]:
    """What the steps of a compiled pipeline need; one that is not ours needs none of our modules."""
    return AHEAD if "from components" in compiled else AHEAD[:1]


def command_of(place: Path) -> str:
    """The command line that stands for Python, by which kfp.local starts steps as forks of the server at a socket."""
    return shlex.join([sys.executable, "-I", "-S", str(Path(client.__file__)), str(place)])


class WarmPython:
    """One server of forks. It ends with whoever started it, however that one ends; its forks with their clients."""

    def __init__(self, place: Path, env: Mapping[str, str]) -> None:
        self.place = place
        self._env = {**env, "_KFP_RUNTIME": "true"}
        self._ahead: frozenset[str] = frozenset()
        self._server: subprocess.Popen[bytes] | None = None
        self._seen: object = None

    def ensure(self, ahead: Sequence[str]) -> Path:
        """Its socket. It is started anew if it has ended, imports too little, or what it imported has been changed."""
        is_there = self._server is not None and self._server.poll() is None
        if not is_there or not self._ahead.issuperset(ahead) or self._seen != _state_of_code():
            self.close()
            self._seen, self._ahead = _state_of_code(), frozenset(ahead)
            self._server = self._start(ahead)
        return self.place

    def close(self) -> None:
        """End it. Forks go on: they end with their clients."""
        if self._server is not None:
            self._server.kill()
            self._server.communicate()  # closes its standard input too
            self._server = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _start(self, ahead: Sequence[str]) -> subprocess.Popen[bytes]:
        with socket.socket(socket.AF_UNIX) as listener:
            self.place.unlink(missing_ok=True)
            with contextlib.chdir(self.place.parent):  # a socket's path has at most 107 bytes, its name fits
                listener.bind(self.place.name)
            listener.listen()
            number = listener.fileno()
            command = [sys.executable, "-m", "pocket.warm.server", str(number), *ahead]
            # Its standard input is never written to: it closes when this process ends, and so the server does.
            return subprocess.Popen(command, env=self._env, stdin=subprocess.PIPE, pass_fds=[number])


def _state_of_code() -> object:
    """Differs if anything was installed, or a module of ours was changed, added or removed."""
    modules = [module for name in _OURS for module in (ROOT / name).rglob("*.py")]
    times = [path.stat().st_mtime_ns for path in (*modules, Path(sysconfig.get_path("purelib")))]
    return max(times), len(times)
