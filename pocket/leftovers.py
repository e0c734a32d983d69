"""What a run that did not end well would leave: open MLflow runs and half-written files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from contracts.settings import Settings

MARK = "unfinished"
"""A file in the folder of each run that is in progress, or ended without being cleared. It holds MLflow's address."""


def mark(folder: Path, env: Mapping[str, str]) -> None:
    """Note that a run begins."""
    (folder / MARK).write_text(Settings.from_env(env).mlflow_tracking_uri)


def unmark(folder: Path) -> None:
    """Note that it ended, and nothing is left of it."""
    (folder / MARK).unlink(missing_ok=True)


def clear(folder: Path, status: str) -> None:
    """Remove what a run left and give the status to its MLflow runs that are open.

    The note that it began stays if MLflow is away: the next run tries again.
    """
    from components.edge import close_run
    from components.output import PARTIAL, remove

    for partial in list(folder.glob(f"artifacts/**/*{PARTIAL}")):
        remove(partial)
    search = next(folder.glob("artifacts/*/plan/search"), None)
    if search is None or close_run((folder / MARK).read_text(), search.read_text(), status):
        unmark(folder)


def clear_killed(runs: Path, loop: str) -> None:
    """Clear after the runs of a loop that were killed, or ended while MLflow was away.

    The caller's lock says that none is in progress.
    """
    for found in runs.glob(f"{loop}-2*/{MARK}"):
        clear(found.parent, "KILLED")
