"""`driftloop rollout`: a registered version into service, step by step or at once."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from contracts.errors import RejectedError
from scripts.deploy_command import Reference


def rollout(
    reference: Reference = "flights@challenger",
    mode: Annotated[
        Literal["canary", "direct"], typer.Option(help="canary: judged on a part of the traffic; direct: at once.")
    ] = "canary",
) -> None:
    """Roll a version out as the pipeline does. Ends with 6 if it was rolled back; what serves is untouched then.

    [dim]driftloop rollout flights/3 --mode canary[/dim]
    """
    from components import rollout as step
    from scripts.deploy_command import local_settings, open_registry
    from scripts.run_command import load_loop

    settings = local_settings()
    version = open_registry().resolve(reference)
    page = settings.home / "rollouts" / f"{version.loop}-{version.number}.html"
    page.parent.mkdir(parents=True, exist_ok=True)
    story = step.run(settings, load_loop(version.loop), version.number, mode, page)
    for decision in story.decisions:
        print(f"{decision.percent:>3} %  {decision.verdict.replace('_', ' '):<12} {' '.join(decision.reasons)}")
    print(f"report: {page}")
    if story.last.verdict != "promoted":
        raise RejectedError(f"Version {version.number} was rolled back.", "What served before serves on.")
