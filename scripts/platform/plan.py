"""The order of installation, as manifests/platform/install.toml says it, for one set of choices."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from contracts.errors import ConfigError
from pocket.checkout import ROOT

PLATFORM = ROOT / "manifests" / "platform"


@dataclass(frozen=True)
class Step:
    """One folder to apply."""

    folder: str
    """Below manifests/platform."""
    secrets: bool = False
    """Whether keys are made after it."""
    helm: bool = False
    """Whether its rendering needs Helm."""
    later: Sequence[str] = ()
    """Names of what it brings that is not ready before the loop is there, and so is not awaited."""
    when: Mapping[str, str] = field(default_factory=dict)
    """Choices for which it is there; none means always."""

    @property
    def manager(self) -> str:
        """Name of the owner of the fields it sets: two steps may set fields of one object."""
        return "driftloop-" + self.folder.replace("/", "-")


@dataclass(frozen=True)
class Plan:
    """Every step there is, and what may be chosen."""

    choices: Mapping[str, Sequence[str]]
    steps: Sequence[Step]

    def chosen(self, wishes: Mapping[str, str]) -> list[Step]:
        """The steps for some wishes, in order. ConfigError for a wish that cannot be."""
        choice = {name: values[0] for name, values in self.choices.items()}
        for name, value in wishes.items():
            if value not in self.choices.get(name, ()):
                raise ConfigError(f"{name}={value} cannot be chosen.", f"There is {self._offer()}.")
        choice.update(wishes)
        return [step for step in self.steps if all(choice[name] == value for name, value in step.when.items())]

    def _offer(self) -> str:
        return "; ".join(f"{name}={'|'.join(values)}" for name, values in self.choices.items())


def read(path: Path = PLATFORM / "install.toml") -> Plan:
    """The plan of a file. ConfigError if it is not one."""
    try:
        body: dict[str, Any] = tomllib.loads(path.read_text())
        return Plan(body["choices"], [Step(**step) for step in body["step"]])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(f"{path} is no order of installation: {error}.", "Take it from the repository.") from error


def wishes(pairs: Sequence[str]) -> dict[str, str]:
    """What `name=value` pairs say. ConfigError for one without a sign of equality."""
    for pair in pairs:
        if "=" not in pair:
            raise ConfigError(f"{pair!r} chooses nothing.", "Write it as name=value, such as s3=seaweedfs.")
    return dict(pair.split("=", 1) for pair in pairs)
