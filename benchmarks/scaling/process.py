"""What a process costs, its children included, as the kernel counts it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from contracts.errors import DriftloopError
from scaling.step import OUT_OF_MEMORY

BENCHMARKS = Path(__file__).resolve().parent.parent
LOG_LINES = 8


@dataclass(frozen=True)
class Cost:
    """From start to end, Python's own start-up included."""

    seconds: float
    processor_seconds: float
    """User and system time: what is left when others have the processor is not counted."""
    peak_bytes: int
    """Resident memory at its highest."""


def run(step: str, size: str, folder: Path, env: Mapping[str, str]) -> Cost | None:
    """Run a step of `scaling.step`; None if it ran out of memory. DriftloopError with its last words if it failed.

    The caller should be small: until it runs its own program, a new process counts its parent's memory as its own.
    """
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / f"{step}.log"
    command = [sys.executable, "-m", "scaling.step", step, size, str(folder)]
    with log.open("w") as output:
        started = time.perf_counter()
        process = subprocess.Popen(command, cwd=BENCHMARKS, env=dict(env), stdout=output, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode == OUT_OF_MEMORY:
        return None
    if process.returncode:
        words = "\n".join(log.read_text(errors="replace").splitlines()[-LOG_LINES:])
        raise DriftloopError(f"{step} of {size} failed ({process.returncode}). Its last words:\n{words}")
    return Cost(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024)
