"""The edge of the command line's process: every failure ends as a sentence on stderr and an exit code."""

from __future__ import annotations

import logging
import os
import traceback
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from contracts.errors import DriftloopError

_logger = logging.getLogger("driftloop")
INTERRUPTED = 130
"""128 + SIGINT, as shells have it."""


def show_tracebacks(wanted: bool) -> None:
    """Whether an unexpected failure shows its traceback."""
    _logger.setLevel(logging.DEBUG if wanted else logging.INFO)


def run(command: Callable[[], object]) -> int:
    """Run a command to its end; its exit code."""
    try:
        command()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except KeyboardInterrupt:
        return INTERRUPTED
    except DriftloopError as error:
        _tell(error.what, error.remedy)
        return error.exit_code
    except Exception as error:  # noqa: BLE001  the process' edge, which logs the traceback
        return _unexpected(error)
    return 0


def _unexpected(error: Exception) -> int:
    text = traceback.format_exc()
    if _logger.isEnabledFor(logging.DEBUG):
        _tell(f"Unexpected {type(error).__name__}.", text)
        return 1
    try:
        place = _log(text)
    except OSError as trouble:
        _tell(f"Unexpected {type(error).__name__}, and its log cannot be written ({trouble}).", text)
        return 1
    _tell(
        f"Unexpected {type(error).__name__}: {error}", f"The traceback is in {place}; `driftloop --debug …` shows it."
    )
    return 1


def _log(text: str) -> Path:
    home = Path(os.environ.get("DRIFTLOOP_HOME", ".driftloop")).resolve()
    path = home / "logs" / "cli.log"
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with path.open("a") as file:
        file.write(f"{datetime.now(UTC).isoformat(timespec='seconds')}\n{text}\n")
    return path


def _tell(what: str, remedy: str) -> None:
    from rich.console import Console
    from rich.text import Text

    console = Console(stderr=True, soft_wrap=True, highlight=False)
    console.print(Text.assemble(("error:", "bold red"), " ", what))
    if remedy:
        console.print(Text(remedy))
