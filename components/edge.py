"""The edge of a step: how its failures leave the process."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from components.tracking import Tracking, one_try
from contracts.errors import DriftloopError, StorageFullError, is_disk_full, to_line
from contracts.settings import Settings


@contextmanager
def step_edge(search: str = "") -> Iterator[tuple[Settings, str]]:
    """Give a step its settings and the id of its MLflow run, which the file `search` holds once there is one.

    An expected failure becomes one log line and an exit code instead of a traceback. After any failure the run is
    marked FAILED, with its trials.
    """
    settings = Settings.from_env()
    try:
        yield settings, _run_id(search)
    except DriftloopError as error:
        _leave(error, settings, search)
    except Exception as error:
        if not is_disk_full(error):
            close_run(settings.mlflow_tracking_uri, _run_id(search), "FAILED")
            raise
        place = getattr(error, "filename", None) or "the run's artifacts"
        _leave(
            StorageFullError(f"No space left on the disk that holds {place}.", "Free some room and run again."),
            settings,
            search,
        )


def close_run(uri: str, run_id: str, status: str) -> bool:
    """End a pipeline run's MLflow run and its trials', those that are open; whether none is open now.

    A server that is away is asked once, and warned of.
    """
    if not run_id:
        return True
    try:
        with one_try():
            Tracking(uri).end_all(run_id, status)
    except DriftloopError as error:
        logging.getLogger(__name__).warning("MLflow run %s could not be marked as %s: %s", run_id, status, error.what)
        return False
    return True


def _run_id(search: str) -> str:
    return Path(search).read_text() if search and Path(search).is_file() else ""


def _leave(error: DriftloopError, settings: Settings, search: str) -> None:
    close_run(settings.mlflow_tracking_uri, _run_id(search), "FAILED")
    line = to_line(error)
    print(line, file=sys.stderr, flush=True)  # noqa: T201 - a container's log
    _last_word(line)
    sys.exit(error.exit_code)


def _last_word(line: str) -> None:
    """Leave the line where Kubernetes shows why a container ended, if there is such a place."""
    path = Path(os.environ.get("DRIFTLOOP_TERMINATION_LOG", "/dev/termination-log"))
    if path.exists():
        with path.open("a") as file:
            file.write(line + "\n")
