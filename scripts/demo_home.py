"""The home of a demo: whether its story was told there, and how to begin anew."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from contracts.errors import ConfigError, disk_room

if TYPE_CHECKING:
    from rich.console import Console

BEFORE = "before"
"""Folder of the home to which `--again` moves what was there."""


def told_before(home: Path) -> dict[str, Any] | None:
    """The summary of a story that was told to its end, or None in a home without models.

    ConfigError if there are models but no whole story: it begins with none.
    """
    path = home / "demo" / "summary.json"
    told: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    if "months" in told:
        return told
    if (home / "mlflow").exists() and any((home / "runs").glob("*-*")):
        raise ConfigError(
            f"{home} holds runs and models, but no whole story of the demo: it begins with none.",
            "Run `driftloop demo --again`, which sets them aside, or set DRIFTLOOP_HOME to another folder.",
        )
    return None


def set_aside(home: Path, console: Console) -> None:
    """Stop what runs, and move everything in the home into a folder of it named after the time."""
    from pocket import services
    from scripts import progress

    with progress.shown() as on_progress:
        services.down(home, on_progress)
    there = [path for path in home.iterdir() if path.name not in (BEFORE, "lock")] if home.exists() else []
    if not there:
        return
    folder = home / BEFORE / f"{datetime.now(UTC):%Y%m%dT%H%M%S}"
    with disk_room(folder):
        folder.mkdir(parents=True)
        for path in there:
            path.rename(folder / path.name)
    console.print(f"What was there is now in {folder}; delete it when you like.")
