"""`driftloop up`, `status`, `down`, `env`: the servers on this machine."""

from __future__ import annotations

import json
import os
import shlex
from dataclasses import asdict
from datetime import datetime
from typing import Annotated

import typer

from contracts.errors import UnavailableError
from contracts.settings import Settings

Loop = Annotated[
    bool,
    typer.Option(
        "--loop/--no-loop", help="Also the Kubernetes and pipelines APIs, the Broker, and what manifests name."
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]


def up(as_json: Json = False, loop: Loop = True) -> None:
    """Start S3, MLflow, the loop's servers and services; a second time harmless.

    [dim]driftloop up
    driftloop up --no-loop[/dim]   S3 and MLflow only
    [dim]
    AWS_ENDPOINT_URL_S3=https://minio.example.com driftloop up[/dim]   with an S3 server of your own
    """
    from pocket import services, status
    from scripts import progress, services_table

    home = Settings.from_env().home
    with progress.shown() as on_progress:
        services.up(home, os.environ, on_progress, loop=loop)
    found = status.status(home, os.environ)
    if as_json:
        print(json.dumps({one.service: one.address for one in found if one.address}, indent=1))
    else:
        services_table.show(found)


def status(as_json: Json = False) -> None:
    """Show every server, and how each loop stands. Ends with 4 unless all servers run.

    Servers: state, address, memory, log. Loops: champion, canary, last window, last decision, run under way, as far as
    MLflow, the Kubernetes API, S3 and the pipelines API answer within ten seconds.

    [dim]driftloop status --json[/dim]
    """
    from pocket import status
    from scripts import loop_table, services_table
    from scripts.deploy_command import local_settings
    from scripts.loop_status import loops_status

    found = status.status(Settings.from_env().home, os.environ)
    loops = loops_status(local_settings(), os.environ)
    if as_json:
        both = {"servers": [asdict(one) for one in found], "loops": [asdict(one) for one in loops]}
        print(json.dumps(both, indent=1, default=datetime.isoformat))
    else:
        services_table.show(found)
        loop_table.show(loops)
    if not all(one.is_fine for one in found):
        raise typer.Exit(UnavailableError.exit_code)


def down() -> None:
    """Stop what `up` started; data, logs and addresses stay for the next `up`."""
    from pocket import services
    from scripts import progress

    with progress.shown() as on_progress:
        stopped = services.down(Settings.from_env().home, on_progress)
    if not stopped:
        print("Nothing was running.")


def env() -> None:
    """Print the variables by which other programs find the servers, as shell exports.

    [dim]eval "$(driftloop env)"[/dim]
    """
    from pocket.environment import environment, laid_under, predictor_address

    home = Settings.from_env().home
    full = laid_under(home, os.environ)
    found = {name: full[name] for name in environment(home)}
    if predictor := full.get("DRIFTLOOP_PREDICTOR_URL") or predictor_address(home):
        found["DRIFTLOOP_PREDICTOR_URL"] = predictor
    for name in sorted(found):
        print(f"export {name}={shlex.quote(found[name])}")
