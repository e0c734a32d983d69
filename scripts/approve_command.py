"""`driftloop approve`: somebody lets a version go on, on evidence that is recorded with it."""

from __future__ import annotations

from typing import Annotated

import typer

from scripts.deploy_command import Reference


def approve(
    reference: Reference,
    by: Annotated[str, typer.Option(help="Who approves it.")],
    reason: Annotated[str, typer.Option(help="Why, in a sentence.")],
    environment: Annotated[str, typer.Option(help="Where it serves: a file in pipelines/environments/.")] = "staging",
) -> None:
    """Approve a version that serves, on its gate, digests and a smoke test. Ends with 6 if one of them says no.

    [dim]driftloop approve flights/3 --by "Ada" --reason "Better on every slice."[/dim]
    """
    from components import promote as step
    from contracts.environment import Environment
    from contracts.errors import ConfigError
    from scripts.deploy_command import local_settings

    if not by.strip() or not reason.strip():
        raise ConfigError("--by and --reason must say something.")
    settings = local_settings()
    place = Environment.load(settings.environments, environment)
    approval = step.approve(settings, reference, place, by.strip(), reason.strip())
    tested = approval.smoke
    print(f"{reference} is approved by {approval.by}: {approval.reason}")
    for fact, value in approval.evidence.items():
        print(f"  {fact:<17} {value}")
    print(f"  {'smoke test':<17} {tested.rows} rows in {tested.environment}, {tested.difference:.1g} apart at most")
