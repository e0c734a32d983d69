"""The one way in which programs of this machine are run for the cluster."""

from __future__ import annotations

import subprocess

from contracts.errors import DriftloopError, UnavailableError


class CommandError(DriftloopError):
    """A program ended with an error; its own words."""


def answer(*command: str, timeout_seconds: float | None = None) -> str:
    """What a program prints. UnavailableError if it is not there or not in time, CommandError if it fails."""
    return _run(command, timeout_seconds, capture=True)


def run(*command: str) -> None:
    """Run a program that takes long; what it says is on the terminal. Errors: as of `answer`."""
    _run(command, None, capture=False)


def _run(command: tuple[str, ...], timeout_seconds: float | None, capture: bool) -> str:
    told = f"`{' '.join(command)}`"
    try:
        done = subprocess.run(command, capture_output=capture, text=True, timeout=timeout_seconds, check=False)
    except subprocess.TimeoutExpired as error:
        raise UnavailableError(f"{told} did not end within {timeout_seconds:g} s.") from error
    except OSError as error:
        fault = "is not installed" if isinstance(error, FileNotFoundError) else f"cannot be run: {error.strerror}"
        raise UnavailableError(f"{command[0]} {fault}.", "See `driftloop doctor --cluster`.") from error
    if done.returncode:
        words = f": {done.stderr.strip()[-2000:]}" if capture else f" with exit code {done.returncode}."
        raise CommandError(f"{told} failed{words}")
    return str(done.stdout or "")
