"""The kind cluster of kind-config.yaml: whether it is there, made, found by kubectl, and deleted."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from contracts.errors import ConfigError, DriftloopError, UnavailableError
from pocket.checkout import ROOT
from scripts import image_engine
from scripts.cluster import command
from scripts.image_engine import Engine

ENGINES = ("docker", "podman")
"""What can run kind's nodes."""
READY_SECONDS = 300
_PROVIDER = "KIND_EXPERIMENTAL_PROVIDER"
"""kind's own variable: it takes docker unless this says something else."""


def choose_engine() -> Engine:
    """The container engine that runs the nodes; kind is told of it. UnavailableError if none works here."""
    faults = []
    for name in [wanted] if (wanted := os.environ.get(_PROVIDER)) in ENGINES else ENGINES:
        try:
            chosen = image_engine.choose(name)
        except UnavailableError as error:
            faults.append(error.what)
            continue
        if chosen.name != "docker":
            os.environ[_PROVIDER] = chosen.name
        return chosen
    raise UnavailableError(" ".join(faults), "Install Docker or Podman, and start it.")


def config() -> Any:
    """kind-config.yaml. ConfigError outside of a checkout."""
    path = _path()
    try:
        return yaml.safe_load(path.read_text())
    except OSError as error:
        raise ConfigError(f"There is no {path}.", "Run this from a checkout of driftloop.") from error


def name() -> str:
    """The cluster's name."""
    return str(config()["name"])


def host_ports() -> Sequence[int]:
    """Ports of this machine that the cluster takes."""
    return [each["hostPort"] for node in config()["nodes"] for each in node.get("extraPortMappings", ())]


def exists() -> bool:
    """Whether the cluster is there; kind is asked."""
    return name() in command.answer("kind", "get", "clusters").split()


def create(kubeconfig: Path) -> None:
    """Make the cluster and wait for its nodes; kind takes away what it made if it fails."""
    kubeconfig.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    wait = ("--wait", f"{READY_SECONDS}s")
    command.run("kind", "create", "cluster", "--config", str(_path()), "--kubeconfig", str(kubeconfig), *wait)


def export(kubeconfig: Path) -> None:
    """Write the file by which kubectl finds the cluster. DriftloopError if there is no cluster."""
    if not exists():
        raise DriftloopError(f"There is no kind cluster {name()!r}.", "Make it with `driftloop cluster up`.")
    kubeconfig.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    command.answer("kind", "export", "kubeconfig", "--name", name(), "--kubeconfig", str(kubeconfig))


def delete(kubeconfig: Path) -> bool:
    """Delete the cluster with all its data; False if there was none."""
    if not exists():
        return False
    command.run("kind", "delete", "cluster", "--name", name(), "--kubeconfig", str(kubeconfig))
    kubeconfig.unlink(missing_ok=True)
    return True


def _path() -> Path:
    return ROOT / "kind-config.yaml"
