"""`driftloop promote`: an approved version from one environment into the next."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from contracts.errors import RejectedError
from scripts.deploy_command import Reference


def promote(
    reference: Reference,
    to: Annotated[str, typer.Option(help="The environment: a file in pipelines/environments/.")] = "production",
    mode: Annotated[
        Literal["canary", "direct"], typer.Option(help="canary: judged on a part of the traffic; direct: at once.")
    ] = "canary",
) -> None:
    """Promote a version: approval, smoke test where it serves, then a canary in the environment named.

    Run again it goes on where it was. Ends with 6 if something says no; what serves there is untouched then.

    [dim]driftloop promote flights/3 --to production[/dim]
    """
    from components import promote as step
    from contracts.environment import way_to
    from scripts.deploy_command import local_settings, open_registry
    from scripts.run_command import load_loop

    settings = local_settings()
    way = way_to(settings, to)
    version = open_registry().resolve(reference)
    page = settings.home / "rollouts" / f"{version.loop}-{version.number}-{to}.html"
    page.parent.mkdir(parents=True, exist_ok=True)
    spec = load_loop(version.loop)
    found = step.run(settings, spec, f"{version.loop}/{version.number}", way, mode, page)
    print(f"{version.loop}/{version.number} in {to}: {found.state.replace('_', ' ')}. {found.reasons}")
    print(f"report: {page}")
    if found.state != "promoted":
        raise RejectedError(f"Version {version.number} was rolled back in {to}.", "What served before serves on.")
