"""`driftloop rollout`: a registered version into service, step by step or at once."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from contracts.errors import RejectedError
from contracts.settings import Settings
from scripts.deploy_command import Reference

if TYPE_CHECKING:
    from components.registry import Version
    from components.rollout_story import Story


def rollout(
    reference: Reference = "flights@challenger",
    mode: Annotated[
        Literal["canary", "direct"], typer.Option(help="canary: judged on a part of the traffic; direct: at once.")
    ] = "canary",
) -> None:
    """Roll a version out as the pipeline does. Ends with 6 if it was rolled back; what serves is untouched then.

    [dim]driftloop rollout flights/3 --mode canary[/dim]
    """
    from scripts.deploy_command import local_settings, open_registry

    story, page = roll_out(local_settings(), open_registry().resolve(reference), mode)
    for decision in story.decisions:
        print(f"{decision.percent:>3} %  {decision.verdict.replace('_', ' '):<12} {' '.join(decision.reasons)}")
    print(f"report: {page}")
    require_promoted(story)


def roll_out(settings: Settings, version: Version, mode: str) -> tuple[Story, Path]:
    """Have the pipeline's step roll a version out from here; what it decided, and its page."""
    from components import rollout as step
    from scripts.run_command import load_loop

    page = settings.home / "rollouts" / f"{version.loop}-{version.number}.html"
    page.parent.mkdir(parents=True, exist_ok=True)
    return step.run(settings, load_loop(version.loop), version.number, mode, page), page


def require_promoted(story: Story) -> None:
    """RejectedError, with the reasons, if the version was rolled back."""
    if story.last.verdict != "promoted":
        reasons = " ".join(story.last.reasons)
        raise RejectedError(f"Version {story.version} was rolled back: {reasons}", "What served before serves on.")
