"""`driftloop demo`: the whole story on this machine, from nothing to an answer."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from contracts.errors import DriftloopError, UnavailableError, disk_room
from contracts.settings import Settings
from contracts.window import Window

if TYPE_CHECKING:
    from components.registry import Version
    from scripts.run_command import Outcome

LOOP = "flights"
TRAINING = ("2013-01-01", "2013-03-01")


def demo() -> None:
    """Train on January and February 2013, register, serve, and ask: the services stay up afterwards.

    Leaves .driftloop/demo/summary.json. `driftloop down` stops what it started.
    """
    from rich.console import Console

    from pocket import services
    from scripts import progress, run_tables
    from scripts.deploy_command import deploy_version, local_settings, open_registry
    from scripts.predict_command import example_row
    from scripts.run_command import holdout_of, load_loop, require_accepted, run_loop

    started = time.monotonic()
    console = Console(soft_wrap=True, highlight=False)
    spec, training = load_loop(LOOP), Window.parse(*TRAINING)
    console.print("[bold]1. Servers:[/bold] S3 (SeaweedFS) and MLflow, on this machine only")
    with progress.shown() as on_progress:
        services.up(Settings.from_env().home, os.environ, on_progress)
    settings = local_settings()
    console.print(f"[bold]2. Pipeline:[/bold] {LOOP}, trained on {training}, compared on the month after")
    with progress.shown() as on_progress:
        outcome = run_loop(spec, training, holdout_of(spec, training), on_progress)
    run_tables.show(outcome)
    require_accepted(outcome)
    console.print("[bold]3. Serving:[/bold] the registered version, its digest checked")
    registry = open_registry()
    with progress.shown() as on_progress:
        version, address = deploy_version(registry, registry.resolve(f"{LOOP}@challenger"), on_progress)
    console.print("[bold]4. One flight, asked twice:[/bold]")
    _ask_both(console, address, example_row(version), settings.home / "demo" / "request.json")
    answered = time.monotonic()
    summary = _summary(outcome, version, answered - started, time.monotonic() - started)
    path = _write(settings.home / "demo" / "summary.json", summary)
    _addresses(console, settings, version.number, address, path)


def _ask_both(console: Any, address: str, row: dict[str, Any], request: Path) -> None:
    """Through kserve's client and through curl. DriftloopError if they are not told the same."""
    from scripts.predict_command import ask, body_of, describe

    _write(request, body_of(row))

    ours = ask(address, LOOP, row)
    console.print(f"   kserve InferenceRESTClient  → {describe(ours)}")
    url = f"{address}/v2/models/{LOOP}/infer"
    theirs = _curl(url, request)
    console.print(f"   curl                        → {describe(theirs)}")
    if ours["outputs"] != theirs["outputs"]:
        raise DriftloopError(f"Two clients were told different things: {ours['outputs']} and {theirs['outputs']}.")
    console.print(f"[dim]   curl -s {url} -H 'Content-Type: application/json' -d @{_shown(request)}[/dim]")


def _curl(url: str, request: Path) -> dict[str, Any]:
    command = ["curl", "--silent", "--show-error", "--max-time", "30", "--header", "Content-Type: application/json"]
    try:
        done = subprocess.run([*command, "--data", f"@{request}", url], capture_output=True, text=True, check=True)
    except FileNotFoundError as error:
        raise UnavailableError("curl is not installed.", "Install it, or use `driftloop predict`.") from error
    except subprocess.CalledProcessError as error:
        raise UnavailableError(f"curl could not reach {url}: {error.stderr.strip()}") from error
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def _summary(outcome: Outcome, version: Version, first: float, total: float) -> dict[str, object]:
    return {
        "seconds_to_first_prediction": round(first, 1),
        "seconds_total": round(total, 1),
        "holdout_auc": round(outcome.evaluation.roc_auc, 6),
        "model_version": version.number,
        "model_sha256": version.model_sha256,
    }


def _write(path: Path, body: Mapping[str, object]) -> Path:
    with disk_room(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(body, indent=1) + "\n")
    return path


def _shown(path: Path) -> str:
    """A path as seen from the current folder, if it lies below."""
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)


def _addresses(console: Any, settings: Settings, version: str, predictor: str, summary: Path) -> None:
    console.print("[bold]Open:[/bold]")
    for name, place in (
        ("MLflow, this version", f"{settings.mlflow_tracking_uri}/#/models/{LOOP}/versions/{version}"),
        ("Predictor", f"{predictor}/v2/models/{LOOP}"),
        ("Summary", _shown(summary)),
    ):
        console.print(f"   {name:<26} {place}")
    console.print("   [dim]driftloop lineage flights@champion   where this model comes from[/dim]")
    console.print("   [dim]make down                            stop the servers[/dim]")
