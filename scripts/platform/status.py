"""How much of each third party runs."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from scripts.platform import kubectl
from scripts.platform.kubectl import Json
from scripts.platform.plan import PLATFORM, Step


@dataclass(frozen=True)
class Party:
    """A third party, as versions.toml has it."""

    name: str
    version: str
    namespace: str
    why: str
    folders: Sequence[str]


@dataclass(frozen=True)
class Status:
    """What runs in a third party's namespace."""

    party: Party
    ready: int
    wanted: int

    @property
    def is_fine(self) -> bool:
        """Whether all that should run does."""
        return 0 < self.wanted == self.ready


def parties(path: Path = PLATFORM / "versions.toml") -> list[Party]:
    """Every third party there is."""
    table = tomllib.loads(path.read_text())["party"]
    wanted = ("version", "namespace", "why", "folders")
    return [Party(name, **{key: body[key] for key in wanted}) for name, body in table.items()]


def status(steps: Iterable[Step]) -> list[Status]:
    """One line a third party that the steps install."""
    folders = {step.folder for step in steps}
    return [of(party) for party in parties() if folders & set(party.folders)]


def of(party: Party) -> Status:
    """What runs in its namespace; nothing if that is not there."""
    kinds = "deployments,statefulsets,daemonsets"
    found = json.loads(kubectl.run("get", kinds, f"--namespace={party.namespace}", "--output=json"))["items"]
    counts = [count(one) for one in found]
    return Status(party, sum(ready for ready, _ in counts), sum(wanted for _, wanted in counts))


def count(found: Json) -> tuple[int, int]:
    """Pods of a workload that are ready, and that should be."""
    state = found.get("status", {})
    if found["kind"] == "DaemonSet":
        return state.get("numberReady", 0), state.get("desiredNumberScheduled", 0)
    return state.get("readyReplicas", 0), found["spec"].get("replicas", 1)
