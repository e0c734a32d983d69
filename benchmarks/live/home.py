"""A home of a benchmark's own, with the whole loop up in it, and down again at the end."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from contracts.errors import ConfigError
from pocket import services
from pocket.progress import Progress

OF_OTHERS = ("AWS_", "DRIFTLOOP_", "MLFLOW_", "FEAST_", "K_SINK", "KF_", "KUBECONFIG")
"""Variables that would lead to servers that are not the benchmark's own begin so."""

_HUSHED = {"MLFLOW_LOGGING_LEVEL": "ERROR", "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true"}


@contextmanager
def own_home(wanted: Path | None, on_progress: Progress, **variables: str) -> Iterator[Path]:
    """A home with everything up: an empty folder, which stays, or a temporary one. The environment is the home's.

    ConfigError if the folder holds something: the versions there would not be the benchmark's.
    """
    if wanted is not None and wanted.exists() and any(wanted.iterdir()):
        raise ConfigError(f"{wanted} is not empty.", "Give a folder that is, or leave out --home.")
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))  # through the clean-up, not past it
    with ExitStack() as stack:
        home = wanted or Path(stack.enter_context(TemporaryDirectory(prefix="driftloop-bench-")))
        _enter(home.resolve(), variables)
        stack.callback(services.down, home.resolve(), on_progress)
        services.up(home.resolve(), os.environ, on_progress, loop=True)
        yield home.resolve()


def _enter(home: Path, variables: dict[str, str]) -> None:
    for name in [name for name in os.environ if name.startswith(OF_OTHERS)]:
        del os.environ[name]
    os.environ.update(_HUSHED, DRIFTLOOP_HOME=str(home), **variables)
