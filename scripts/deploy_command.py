"""`driftloop deploy`: a registered version on this machine's predictor."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated

import typer

from contracts.model import CHAMPION
from contracts.settings import Settings

if TYPE_CHECKING:
    from components.registry import Registry, Version
    from pocket.progress import Progress

Reference = Annotated[str, typer.Argument(help="loop@alias, loop/number, or a loop for its champion.")]


def deploy(reference: Reference = "flights@challenger") -> None:
    """Serve a registered version and make it the champion, once it is ready; what served before goes on until then.

    [dim]driftloop deploy flights@challenger
    driftloop deploy flights/3[/dim]
    """
    from scripts import progress

    registry = open_registry()
    with progress.shown() as on_progress:
        version, address = deploy_version(registry, registry.resolve(reference), on_progress)
    print(f"{version.loop} version {version.number} serves at {address} and is the champion.")


def open_registry() -> Registry:
    """The registry of the MLflow server in use. UnavailableError if it is away."""
    from components.registry import Registry
    from components.tracking import Tracking

    return Registry(Tracking(local_settings().mlflow_tracking_uri))


def local_settings() -> Settings:
    """Settings that find this machine's servers, and whatever the user has set; set for the libraries too."""
    from pocket.environment import laid_under

    env = laid_under(Settings.from_env().home, os.environ)
    for name in os.environ.keys() - env.keys():
        del os.environ[name]  # such as a session token that belongs to another S3 server's keys
    os.environ.update(env)
    return Settings.from_env()


def deploy_version(registry: Registry, version: Version, on_progress: Progress) -> tuple[Version, str]:
    """Serve a version, then point the champion's alias at it; the version and the predictor's address."""
    from pocket import predictor

    settings = Settings.from_env()
    address = predictor.deploy(
        settings.home,
        os.environ,
        name=version.loop,
        version=version.number,
        model_uri=version.model_uri,
        card_sha256=version.card_sha256,
        on_progress=on_progress,
    )
    registry.alias(version.loop, CHAMPION, version.number)
    return version, address
