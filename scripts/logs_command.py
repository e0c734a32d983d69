"""`driftloop logs`: what the servers of this machine wrote."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from contracts.errors import ConfigError
from contracts.settings import Settings

POLL_SECONDS = 0.3


def logs(
    service: Annotated[str, typer.Argument(help="A name as `driftloop logs` lists them; none: list them.")] = "",
    lines: Annotated[int, typer.Option("--lines", "-n", min=0, help="How many of the last lines.")] = 50,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until interrupted.")] = False,
) -> None:
    """Print the last lines of a server's log, or the names of all logs.

    [dim]driftloop logs
    driftloop logs mlflow -f[/dim]
    """
    folder = Settings.from_env().home / "logs"
    known = {path.stem: path for path in sorted(folder.glob("*.log"))}
    if not service:
        for name, path in known.items():
            print(f"{name:<28} {path.stat().st_size:>12,} bytes")
        return
    if service not in known:
        raise ConfigError(f"There is no log of {service!r} in {folder}.", f"Known: {', '.join(known) or 'none yet'}.")
    position = _print_last(known[service], lines)
    while follow:
        position = _print_since(known[service], position)
        time.sleep(POLL_SECONDS)


def _print_last(path: Path, lines: int) -> int:
    """Print the last lines of a file; where it ended."""
    content = path.read_bytes()
    for line in content.decode(errors="replace").splitlines()[-lines:] if lines else ():
        print(line)
    return len(content)


def _print_since(path: Path, position: int) -> int:
    """Print what a file has got since; from its start if it was begun anew."""
    size = path.stat().st_size
    if size == position:
        return position
    with path.open("rb") as file:
        file.seek(position if size > position else 0)
        print(file.read().decode(errors="replace"), end="", flush=True)
        return file.tell()
