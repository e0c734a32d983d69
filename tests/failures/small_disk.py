"""A folder with little room: a tmpfs of its own, seen by one command only."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

_NAMESPACE = ("unshare", "--map-root-user", "--mount")
_SCRIPT = """
mount -t tmpfs -o size="$1" tmpfs "$0" || exit 99
folder=$0
shift
"$@"
code=$?
find "$folder" -type f -printf 'left %P\\n'
find "$folder" -path '*/plan/search' -printf 'mlflow ' -exec cat {} ';'
exit $code
"""


def runs_in(folder: Path, kibibytes: int) -> tuple[str, ...]:
    """What to put before a command to give it a small disk at a folder.

    At its end it prints `left <path>` for each file there, then `mlflow <id>` of the run it opened.
    """
    return (*_NAMESPACE, "sh", "-c", _SCRIPT, str(folder), f"{kibibytes}k")


def lacking(folder: Path) -> str:
    """Why this machine gives no such disk; empty if it does."""
    try:
        tried = subprocess.run([*runs_in(folder, 4), "true"], capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        return f"the program {error.filename}"
    return f"user and mount namespaces: {tried.stderr.strip()}" if tried.returncode else ""


def left(out: str) -> Iterator[str]:
    """The files a command left on its small disk, without the folder of the run."""
    for line in out.splitlines():
        if line.startswith("left "):
            yield line.removeprefix("left ").partition("/")[2]


def mlflow_runs(out: str) -> list[str]:
    """Id of the MLflow run a command opened, if it did."""
    return [line.removeprefix("mlflow ") for line in out.splitlines() if line.startswith("mlflow ")]
