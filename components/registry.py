"""Registered model versions in MLflow: what was trained from what, where its files are, which alias it has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from components.tracking import TAG, Tracking
from contracts.errors import ConfigError

if TYPE_CHECKING:
    from mlflow.entities.model_registry import ModelVersion


@dataclass(frozen=True)
class Version:
    """One registered version of a loop's model."""

    loop: str
    number: str
    run_id: str
    model_uri: str
    """s3:// folder of its files."""
    card_sha256: str
    model_sha256: str
    aliases: tuple[str, ...]
    tags: dict[str, str]
    """The project's own tags, without their prefix."""


class Registry:
    """Versions of loops' models."""

    def __init__(self, tracking: Tracking) -> None:
        self.tracking = tracking
        self.client = tracking.client

    def resolve(self, reference: str) -> Version:
        """The version named by `loop@alias`, `loop/number` or `loop` (its champion). ConfigError if there is none."""
        version = self.find(reference)
        if version is None:
            raise ConfigError(
                f"No registered version {reference!r}.", "Train one with `driftloop run`, or see MLflow's Models page."
            )
        return version

    def find(self, reference: str) -> Version | None:
        """As `resolve`, but None if there is none."""
        from mlflow.exceptions import MlflowException, RestException

        loop, _, alias = reference.partition("@")
        loop, slash, number = loop.partition("/")
        with self.tracking.answering():
            try:
                if slash:
                    return _version(self.client.get_model_version(loop, number))
                return _version(self.client.get_model_version_by_alias(loop, alias or "champion"))
            except RestException as error:
                if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
                    return None
                raise
            except MlflowException:
                raise

    def with_card(self, loop: str, card_sha256: str) -> Version | None:
        """The version whose card, and so every file, is this one."""
        with self.tracking.answering():
            found = self.client.search_model_versions(f"name = '{loop}' and tags.`{TAG}card_sha256` = '{card_sha256}'")
        return _version(max(found, key=lambda version: int(version.version))) if found else None

    def register(self, loop: str, folder: Path, run_id: str, tags: Mapping[str, str]) -> Version:
        """Store a model folder and make it a version. The version is made last: it exists whole or not at all."""
        with self.tracking.answering():
            experiment = self.client.get_run(run_id).info.experiment_id
            model = self.client.create_logged_model(experiment, name=loop, source_run_id=run_id)
            try:
                uri = _readable(str(model.artifact_location))
                self.client.log_model_artifacts(model.model_id, str(folder))
                self.client.finalize_logged_model(model.model_id, "READY")
            except Exception:
                self._forget(model.model_id)
                raise
            self._ensure_name(loop)
            own = {f"{TAG}{name}": value for name, value in {**tags, "model_uri": uri}.items()}
            made = self.client.create_model_version(
                loop, f"models:/{model.model_id}", run_id, tags=own, model_id=model.model_id
            )
            return _version(made)

    def alias(self, loop: str, alias: str, number: str) -> None:
        """Point an alias at a version."""
        with self.tracking.answering():
            self.client.set_registered_model_alias(loop, alias, number)

    def tag(self, version: Version, tags: Mapping[str, str]) -> None:
        """Set tags of a version, given without the project's prefix."""
        with self.tracking.answering():
            for name, value in tags.items():
                self.client.set_model_version_tag(version.loop, version.number, f"{TAG}{name}", value)

    def _ensure_name(self, loop: str) -> None:
        from mlflow.exceptions import RestException

        try:
            self.client.create_registered_model(loop)
        except RestException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise

    def _forget(self, model_id: str) -> None:
        """Take back a half-stored model. If MLflow is what is away, it stays PENDING; no version names it."""
        import logging

        from mlflow.exceptions import MlflowException

        try:
            self.client.delete_logged_model(model_id)
        except MlflowException as error:
            logging.getLogger(__name__).warning("logged model %s stays pending: %s", model_id, error)


def _version(found: ModelVersion) -> Version:
    own = {name.removeprefix(TAG): value for name, value in found.tags.items() if name.startswith(TAG)}
    try:
        uri, card, model = own["model_uri"], own["card_sha256"], own["model_sha256"]
    except KeyError as error:
        raise ConfigError(
            f"{found.name}/{found.version} was not registered by driftloop: it has no tag {TAG}{error.args[0]}."
        ) from error
    aliases = tuple(sorted(found.aliases))
    return Version(found.name, str(found.version), str(found.run_id), uri, card, model, aliases, own)


def _readable(uri: str) -> str:
    if not uri.startswith("s3://"):
        raise ConfigError(
            f"MLflow keeps models at {uri}, which a predictor cannot read.",
            "Start it with --default-artifact-root s3://bucket/ and --no-serve-artifacts.",
        )
    return uri.rstrip("/") + "/"
