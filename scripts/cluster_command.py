"""`driftloop cluster up`, `demo`, `env`, `dump`, `down`: the loop on a kind cluster of this machine."""

from __future__ import annotations

import os
import shlex
from typing import Annotated

import typer

from contracts.errors import UnavailableError
from contracts.settings import Settings

app = typer.Typer(no_args_is_help=True, help="The loop in containers of this machine, on a kind cluster.")

Timeout = Annotated[int, typer.Option("--timeout", min=1, help="Seconds that one step may take.")]
LOOP = "flights"
_OTHERS = ("AWS_SESSION_TOKEN", "AWS_PROFILE", "DRIFTLOOP_NAMESPACE", "DRIFTLOOP_DATA_BUCKET")
"""What a shell may say of other servers than the cluster's."""


@app.command()
def up(timeout: Timeout = 900) -> None:
    """Make the cluster, install the platform, build and load the images, apply the loop, and wait until it is ready.

    Run again, it goes on where it broke off; a second time harmless.

    [dim]driftloop cluster up[/dim]
    """
    from scripts import progress
    from scripts.cluster import access, preflight
    from scripts.cluster.up import require_fit
    from scripts.cluster.up import up as bring_up
    from scripts.doctor_command import shown

    require_fit(list(shown(preflight.examine())))
    settings = Settings.from_env()
    os.environ["KUBECONFIG"] = str(access.kubeconfig_of(settings))
    bring_up(settings, progress.plain, timeout)
    _tell_addresses()


@app.command()
def demo() -> None:
    """Train, serve and ask: one run of the cluster's pipelines, rolled out at once, and one prediction.

    What is served already is not trained again.

    [dim]driftloop cluster demo[/dim]
    """
    from scripts import progress
    from scripts.cluster import access, dump
    from scripts.predict_command import predict
    from scripts.run_command import run

    settings = _enter()
    with dump.on_failure(access.home_of(settings), progress.plain):
        if not _is_served():
            run(LOOP, rollout="direct")
        predict(LOOP)
    _tell_addresses()


@app.command()
def env() -> None:
    """Print the variables by which commands and other programs find the cluster's servers, as shell exports.

    [dim]eval "$(driftloop cluster env)"[/dim]
    """
    from scripts.cluster import access

    for name, value in sorted(access.variables(_enter()).items()):
        print(f"export {name}={shlex.quote(value)}")


@app.command("dump")
def write_state() -> None:
    """Write what the cluster looks like into a folder: objects, conditions, events, logs; no Secrets."""
    from scripts.cluster import access, dump

    settings = _find()
    print(dump.write_new(access.home_of(settings)))


@app.command()
def down() -> None:
    """Delete the cluster with everything in it. The images that were built stay; so do written states."""
    from scripts.cluster import access, kind

    kind.choose_engine()
    if not kind.delete(access.kubeconfig_of(Settings.from_env())):
        print("There was no cluster.")


def _find() -> Settings:
    """Point kubectl at the cluster, whatever the shell points at; settings as they were before."""
    from scripts.cluster import access, kind

    settings = Settings.from_env()
    kind.choose_engine()
    kind.export(access.kubeconfig_of(settings))
    os.environ["KUBECONFIG"] = str(access.kubeconfig_of(settings))
    return settings


def _enter() -> Settings:
    """Point this whole process at the cluster; settings as they were before."""
    from scripts.cluster import access

    settings = _find()
    for name in _OTHERS:
        os.environ.pop(name, None)
    os.environ.update(access.variables(settings))
    return settings


def _is_served() -> bool:
    from scripts.predictor_address import served_at

    try:
        return bool(served_at(Settings.from_env(), LOOP))
    except UnavailableError:
        return False


def _tell_addresses() -> None:
    from scripts.cluster import access

    for name, address in access.addresses().items():
        print(f"{name:<14} {address}")
    print('Other commands find all of it after: eval "$(driftloop cluster env)"')
