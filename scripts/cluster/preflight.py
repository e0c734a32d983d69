"""Whether this machine can run the cluster: each thing that kind and the platform need, and what to do about it."""

from __future__ import annotations

import json
import re
import shutil
import sys
import tomllib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from contracts.errors import DriftloopError
from pocket import ports
from pocket.doctor import Check
from scripts.cluster import command, kind
from scripts.platform.plan import PLATFORM

GB = 10**9
CPUS = (4, 6)
MEMORY_GB = (12, 15)
DISK_GB = (30, 60)
"""Each: less than the first is too little, less than the second is little. One sold with 16 GB tells 15."""
INOTIFY = {"max_user_instances": 512, "max_user_watches": 524_288}
"""What three nodes and their pods need; kind's page of known issues has them."""
SYSCTL = Path("/proc/sys/fs/inotify")
_SECONDS = 30


@dataclass(frozen=True)
class Machine:
    """What the container engine says of where containers run: on some systems a virtual machine."""

    cpus: int
    memory_bytes: int
    folder: Path
    """Where it keeps images and volumes."""


def examine() -> Iterator[Check]:
    """Each check in turn."""
    yield from _engine()
    yield _kind()
    yield _kubectl()
    yield _git()
    yield from (_inotify(SYSCTL / name, least) for name, least in INOTIFY.items() if (SYSCTL / name).exists())
    yield _ports()


def machine(engine: str) -> Machine:
    """What an engine says. DriftloopError if it says nothing, or nothing that is known."""
    form = "{{json .}}" if engine == "docker" else "json"
    told = command.answer(engine, "info", "--format", form, timeout_seconds=_SECONDS)
    try:
        found = json.loads(told)
        if engine == "docker":
            return Machine(int(found["NCPU"]), int(found["MemTotal"]), Path(found["DockerRootDir"]))
        return Machine(int(found["host"]["cpus"]), int(found["host"]["memTotal"]), Path(found["store"]["graphRoot"]))
    except (ValueError, KeyError, TypeError) as error:
        raise DriftloopError(f"`{engine} info` tells no CPUs and memory: {told.strip()[:200]}") from error


def _engine() -> Iterator[Check]:
    try:
        engine = kind.choose_engine().name
        found = machine(engine)
    except DriftloopError as error:
        yield Check("container engine", "problem", error.what, error.remedy or "Start Docker or Podman.")
        return
    yield Check("container engine", "ok", engine)
    yield _enough("CPUs", found.cpus, CPUS, "", "Give the engine more processors.")
    yield _enough("memory", found.memory_bytes // GB, MEMORY_GB, " GB", "Give the engine more, or close something.")
    if found.folder.exists():
        free = shutil.disk_usage(found.folder).free // GB
        yield _enough("disk", free, DISK_GB, f" GB free at {found.folder}", "Free some room: images alone want half.")


def _enough(name: str, found: int, wanted: tuple[int, int], unit: str, remedy: str) -> Check:
    least, plenty = wanted
    told = f"{found}{unit}, {plenty} are advised"
    verdict: Literal["ok", "warning", "problem"] = "ok" if found >= plenty else "warning"
    if found < least:
        verdict, told = "problem", f"{found}{unit}, {least} are needed"
    return Check(name, verdict, f"{found}{unit}" if verdict == "ok" else told, "" if verdict == "ok" else remedy)


def _kind() -> Check:
    meant = _versions()["tools"]["kind"]
    install = f"Install kind v{meant}: https://kind.sigs.k8s.io/docs/user/quick-start/#installation"
    try:
        told = command.answer("kind", "version", timeout_seconds=_SECONDS).strip()
    except DriftloopError as error:
        return Check("kind", "problem", error.what, install)
    found = _minor(told)
    if found == _minor(meant):
        return Check("kind", "ok", told)
    newer = found is not None and found > (_minor(meant) or (0, 0))
    return Check("kind", "warning" if newer else "problem", f"{told}, not v{meant}", install)


def _kubectl() -> Check:
    meant = _versions()["kubernetes"]["default"]
    program = Path(sys.executable).with_name("kubectl")
    try:
        told = command.answer(str(program), "version", "--client", "--output=json", timeout_seconds=_SECONDS)
        version = str(json.loads(told)["clientVersion"]["gitVersion"])
    except (DriftloopError, ValueError, KeyError, TypeError) as error:
        return Check("kubectl", "problem", f"{program} does not answer: {error}", "`make setup` installs it.")
    found, wanted = _minor(version) or (0, 0), _minor(meant) or (0, 0)
    if found[0] == wanted[0] and abs(found[1] - wanted[1]) <= 1:
        return Check("kubectl", "ok", version)
    far = f"{version}, with Kubernetes {meant}: its makers promise one minor version of distance"
    return Check("kubectl", "warning", far, f"Should a command of it fail, try it with a kubectl of {meant} by hand.")


def _git() -> Check:
    """kubectl fetches the releases of two parties by it."""
    try:
        return Check("git", "ok", command.answer("git", "--version", timeout_seconds=_SECONDS).strip())
    except DriftloopError as error:
        return Check("git", "problem", error.what, "`apt-get install git`, or what your system has for it.")


def _inotify(path: Path, least: int) -> Check:
    name, found = f"inotify {path.name.removeprefix('max_user_')}", int(path.read_text())
    if found >= least:
        return Check(name, "ok", str(found))
    remedy = f"Run `sudo sysctl fs.inotify.{path.name}={least}`; a file in /etc/sysctl.d keeps it."
    return Check(name, "problem", f"{found}, {least} are needed: pods end with 'too many open files'", remedy)


def _ports() -> Check:
    taken = [port for port in kind.host_ports() if not ports.is_free(port)]
    if not taken:
        return Check("ports", "ok", f"{', '.join(map(str, kind.host_ports()))} are free")
    with suppress(DriftloopError):  # kind is a check of its own
        if kind.exists():
            return Check("ports", "ok", "held by the cluster, which is there")
    told = ", ".join(map(str, taken))
    return Check("ports", "problem", f"taken: {told}", "End what listens there: `driftloop down`, if it is the loop.")


def _minor(text: str) -> tuple[int, int] | None:
    """Major and minor of the first version in a text."""
    found = re.search(r"(\d+)\.(\d+)", text)
    return (int(found[1]), int(found[2])) if found else None


def _versions() -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = tomllib.loads((PLATFORM / "versions.toml").read_text())
    return found
