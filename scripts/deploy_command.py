"""`driftloop deploy`: a registered version into service, at once."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated

import typer

from contracts.settings import Settings

if TYPE_CHECKING:
    from components.registry import Registry

Reference = Annotated[str, typer.Argument(help="loop@alias, loop/number, or a loop for its champion.")]


def deploy(reference: Reference = "flights@challenger") -> None:
    """Serve a registered version at once and make it the champion; what served before goes on until it is ready.

    The direct rollout of that version: the InferenceService is changed, or made. Ends with 6 if it never got ready.

    [dim]driftloop deploy flights@challenger
    driftloop deploy flights/3[/dim]
    """
    from pocket.progress import Step
    from scripts import progress
    from scripts.lineage_command import verified_card
    from scripts.predictor_address import predictor_of
    from scripts.rollout_command import require_promoted, roll_out

    settings, version = local_settings(), open_registry().resolve(reference)
    verified_card(version)  # a version that was changed is told of here, and not by a revision that never gets ready
    with progress.shown() as on_progress:
        on_progress(Step(version.loop, f"version {version.number} is on its way into service"))
        require_promoted(roll_out(settings, version, "direct")[0])
        on_progress(Step(version.loop, f"version {version.number} has all the traffic", done=True))
    address = predictor_of(settings, version.loop).url
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
