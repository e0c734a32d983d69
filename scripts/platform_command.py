"""`driftloop platform install`, `status`, `uninstall`: the third parties on the cluster that KUBECONFIG names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from contracts.errors import UnavailableError

if TYPE_CHECKING:
    from scripts.platform.plan import Step

app = typer.Typer(no_args_is_help=True, help="Third parties on the cluster that KUBECONFIG names.")

Choose = Annotated[
    list[str] | None, typer.Option("--choose", help="Such as s3=seaweedfs or broker=in-memory; may be repeated.")
]
Timeout = Annotated[int, typer.Option("--timeout", min=1, help="Seconds that one step may take.")]
WithData = Annotated[bool, typer.Option("--with-data", help="Volumes and keys too. They cannot be brought back.")]


@app.command()
def install(choose: Choose = None, timeout: Timeout = 900) -> None:
    """Install what the loop needs, in order; go on where an installation broke off; harmless once all is there.

    [dim]driftloop platform install
    driftloop platform install --choose s3=seaweedfs --choose broker=in-memory[/dim]
    """
    from scripts import progress
    from scripts.platform import install, kubectl

    steps = _steps(choose)
    print(f"Installing on {kubectl.context()}.")
    with progress.shown() as on_progress:
        install.install(steps, on_progress, timeout)


@app.command()
def status(choose: Choose = None) -> None:
    """Show which third parties run. Ends with 4 unless all do."""
    from rich.console import Console
    from rich.table import Table

    from scripts.platform import status

    found = status.status(_steps(choose))
    table = Table("party", "version", "namespace", "ready", box=None, pad_edge=False, header_style="dim")
    for one in found:
        table.add_row(one.party.name, one.party.version, one.party.namespace, f"{one.ready}/{one.wanted}")
    Console().print(table)
    if not all(one.is_fine for one in found):
        raise typer.Exit(UnavailableError.exit_code)


@app.command()
def uninstall(choose: Choose = None, with_data: WithData = False) -> None:
    """Delete what `install` applied, the last first; volumes and keys stay. Delete the loop's own objects before."""
    from scripts import progress
    from scripts.platform import kubectl, uninstall

    steps = _steps(choose)
    print(f"Uninstalling from {kubectl.context()}.")
    with progress.shown() as on_progress:
        uninstall.uninstall(steps, on_progress, with_data)


def _steps(choose: list[str] | None) -> list[Step]:
    from scripts.platform import plan

    return plan.read().chosen(plan.wishes(choose or []))
