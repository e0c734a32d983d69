"""What is remembered of one service with revisions, in a file that is replaced whole."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from contracts.errors import ConfigError
from pocket import state
from pocket.controllers.client import Json


@dataclass
class Memory:
    """One InferenceService's or Knative Service's."""

    uid: str
    """Of the object: another one of the same name begins anew."""
    port: int
    """Of its address."""
    count: int = 0
    """Revisions made so far, which number them."""
    templates: dict[str, Json] = field(default_factory=dict)
    """By revision, those that may be wanted still."""
    created: str = ""
    ready: str = ""
    """The latest revision, and the latest that has been ready."""
    traffic: list[Json] = field(default_factory=list)
    """What Envoy has had in force last."""
    latest: str = ""
    previous: str = ""
    """The revision that last had all requests, and the one before."""


def folder(home: Path) -> Path:
    """Where memories are."""
    return home / "controllers"


def read(home: Path, name: str) -> Memory | None:
    """The memory of a name, or None. ConfigError if its file is damaged."""
    path = folder(home) / f"{name}.json"
    try:
        return Memory(**json.loads(path.read_text()))
    except FileNotFoundError:
        return None
    except (ValueError, TypeError) as error:
        raise ConfigError(f"{path} is damaged ({error}).", "Delete it: its service begins anew.") from error


def write(home: Path, name: str, memory: Memory) -> None:
    """Keep a memory."""
    state.private_folder(folder(home))
    state.private_file(folder(home) / f"{name}.json", json.dumps(asdict(memory), indent=1))


def remove(home: Path, name: str) -> None:
    """Forget a name."""
    (folder(home) / f"{name}.json").unlink(missing_ok=True)


def names(home: Path) -> list[str]:
    """Everything that is remembered."""
    return sorted(path.stem for path in folder(home).glob("*.json"))
