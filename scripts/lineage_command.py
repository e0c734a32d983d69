"""`driftloop lineage`: everything a version was made from."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from scripts.deploy_command import Reference

if TYPE_CHECKING:
    from components.registry import Version
    from contracts.model import ModelCard

SECTIONS = {
    "code": ("code_version", "pipeline_run"),
    "data": (
        "source",
        "training_window",
        "holdout_window",
        "fitted_window",
        "raw_digest",
        "refined_digest",
        "frame_sha256",
        "feature_service",
    ),
    "model": ("kind", "format", "seed", "model_sha256", "card_sha256", "model_uri"),
    "evaluation": ("holdout_roc_auc", "holdout_log_loss", "holdout_rows", "compared_with", "verdict"),
    "rollout": ("rollout", "rollout_reasons"),
}


def lineage(
    reference: Reference = "flights@champion",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,
) -> None:
    """Show where a version comes from: data digests and windows, commit, run, parameters, metrics, file digests.

    The files are fetched from S3 and their digests checked on the way.

    [dim]driftloop lineage flights@champion
    driftloop lineage flights/2 --json[/dim]
    """
    from scripts.deploy_command import local_settings, open_registry

    settings = local_settings()
    registry = open_registry()
    version = registry.resolve(reference)
    card = verified_card(version)
    metrics = registry.tracking.metrics(version.run_id)
    found = _facts(version, card, metrics)
    if as_json:
        print(json.dumps(found, indent=1))
    else:
        _show(version, found, f"{settings.mlflow_tracking_uri}/#/models/{version.loop}/versions/{version.number}")


def verified_card(version: Version) -> ModelCard:
    """The card of a version whose files on S3 are those that were registered. IntegrityError if they are not."""
    from pathlib import Path
    from tempfile import TemporaryDirectory

    from contracts.model import ModelCard
    from contracts.objects import ObjectStore
    from contracts.settings import Settings

    with TemporaryDirectory() as folder:
        ObjectStore(Settings.from_env()).get_folder(version.model_uri, Path(folder))
        card = ModelCard.read(Path(folder))
        card.verify(Path(folder), version.card_sha256)
        return card


def _facts(version: Version, card: ModelCard, metrics: dict[str, float]) -> dict[str, dict[str, str]]:
    facts = {
        section: {name: version.tags[name] for name in names if name in version.tags}
        for section, names in SECTIONS.items()
    }
    prefix = "param."
    facts["parameters"] = {
        name.removeprefix(prefix): value for name, value in sorted(version.tags.items()) if name.startswith(prefix)
    }
    facts["metrics"] = {name: f"{value:.6f}" for name, value in sorted(metrics.items())}
    facts["files"] = dict(card.files)
    head = {"version": version.number, "aliases": ", ".join(version.aliases) or "none", "mlflow_run": version.run_id}
    return {version.loop: head, **facts}


def _show(version: Version, found: dict[str, dict[str, str]], page: str) -> None:
    from rich.console import Console

    console = Console(soft_wrap=True, highlight=False)
    width = max(len(name) for facts in found.values() for name in facts)
    for section, facts in ((section, facts) for section, facts in found.items() if facts):
        console.print(f"[bold]{section}[/bold]")
        for name, value in facts.items():
            console.print(f"  [dim]{name:<{width}}[/dim]  ", end="")
            console.print(value, markup=False)
    console.print(f"[dim]{version.loop} in MLflow:[/dim] {page}")
