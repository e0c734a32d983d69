"""The edge of a step: how its failures leave the process."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from components.tracking import Tracking
from contracts.errors import DriftloopError, StorageFullError, is_disk_full, to_line
from contracts.settings import Settings


@contextmanager
def step_edge(search: str = "") -> Iterator[tuple[Settings, str]]:
    """Give a step its settings and the id of its MLflow run, which the file `search` holds.

    An expected failure becomes one log line and an exit code instead of a traceback, and the run is marked FAILED.
    """
    settings = Settings.from_env()
    run_id = Path(search).read_text() if search else ""
    try:
        yield settings, run_id
    except DriftloopError as error:
        _leave(error, settings, run_id)
    except OSError as error:
        if not is_disk_full(error):
            raise
        place = error.filename or "the run's artifacts"
        _leave(
            StorageFullError(f"No space left on the disk that holds {place}.", "Free some room and run again."),
            settings,
            run_id,
        )


def _leave(error: DriftloopError, settings: Settings, run_id: str) -> None:
    if run_id:
        try:
            Tracking(settings.mlflow_tracking_uri).end(run_id, "FAILED")
        except DriftloopError as second:
            logging.getLogger(__name__).warning("run %s could not be marked as failed: %s", run_id, second)
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
