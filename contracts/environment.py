"""An environment: one place in which versions serve, read from `pipelines/environments/<name>.toml`.

The registry and its S3 are shared; namespace, Broker and event log are each environment's own.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from contracts.errors import ConfigError
from contracts.model import CHAMPION
from contracts.settings import Settings

_NAME = re.compile(r"[a-z][a-z0-9-]{0,40}")
Address = Annotated[str, Field(pattern=r"^https?://[^/]+")]


class Environment(BaseModel):
    """Where versions serve, and where they must have served before. What is not given is as the process has it."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    name: str
    after: str | None = None
    """The environment before this one. None: the first, into which the training pipeline rolls out."""
    context: str | None = None
    """Of the kubeconfig; None: its current one, or the cluster that the process runs in."""
    namespace: Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")] | None = None
    data_bucket: Annotated[str, Field(min_length=3)] | None = None
    """Bucket of its event log."""
    sink: Address | None = None
    """Its Broker, as seen from where the command runs; None: decisions are recorded in MLflow only."""
    gateway: Address | None = None
    """Where its predictors are reached if the address in their status is not: asked with that address as the host."""

    @property
    def alias(self) -> str:
        """Registry alias of the version that serves here."""
        return CHAMPION if self.after is None else f"{CHAMPION}-{self.name}"

    def tag(self, name: str) -> str:
        """The name of a version's tag that tells of this environment."""
        return name if self.after is None else f"{name}.{self.name}"

    def laid_over(self, settings: Settings) -> Settings:
        """Settings of a process that works in this environment."""
        return replace(
            settings,
            namespace=self.namespace or settings.namespace,
            data_bucket=self.data_bucket or settings.data_bucket,
            sink=self.sink or (settings.sink if self.after is None else None),
        )

    @classmethod
    def load(cls, folder: Path, name: str) -> Environment:
        """The environment of a name. ConfigError tells file, key, value and what is allowed."""
        path = folder / f"{name}.toml"
        if not _NAME.fullmatch(name) or not path.is_file():
            known = ", ".join(sorted(file.stem for file in folder.glob("*.toml"))) or "none"
            raise ConfigError(f"No environment {name!r} in {folder}.", f"Environments there: {known}.")
        try:
            body = tomllib.loads(path.read_text())
            return cls.model_validate({**body, "name": name})
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise ConfigError(f"{path} is not TOML: {error}.") from error
        except ValidationError as error:
            raise ConfigError(_explain(error, path)) from error


HERE = Environment(name="here")
"""The one that the process' own settings describe."""


def way_to(settings: Settings, name: str) -> tuple[Environment, Environment]:
    """The environment before the named one, and that one. ConfigError if they are not two places."""
    target = Environment.load(settings.environments, name)
    if target.after is None:
        raise ConfigError(
            f"{name} is the first environment: the training pipeline rolls out into it.",
            "Promote to one whose file says `after`.",
        )
    source = Environment.load(settings.environments, target.after)
    ours, theirs = source.laid_over(settings), target.laid_over(settings)
    if (source.context, ours.namespace) == (target.context, theirs.namespace):
        raise ConfigError(f"{source.name} and {name} are both namespace {ours.namespace}.", "Give each its own.")
    if ours.data_bucket == theirs.data_bucket:
        raise ConfigError(
            f"{source.name} and {name} share data_bucket {ours.data_bucket!r}: "
            "a canary would be judged on rows of both.",
            f"Set data_bucket in {name}.toml.",
        )
    return source, target


def _explain(error: ValidationError, path: Path) -> str:
    problem = error.errors()[0]
    where = ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "extra_forbidden":
        allowed = ", ".join(name for name in Environment.model_fields if name != "name")
        return f"{path}: unknown key {where} = {problem['input']!r}. Allowed: {allowed}."
    return f"{path}: {where} = {problem['input']!r}: {problem['msg']}."
