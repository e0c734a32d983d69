"""`driftloop demo`: the whole story on this machine, from nothing to a year of live traffic."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Any

import typer

from contracts.errors import DriftloopError, UnavailableError, disk_room
from contracts.settings import Settings
from contracts.window import Window

if TYPE_CHECKING:
    from rich.console import Console

    from components.registry import Registry, Version
    from contracts.loop import LoopSpec
    from scripts.run_command import Outcome

LOOP = "flights"
TRAINING = ("2013-01-01", "2013-03-01")
ASKED = 2
"""Rows of step 3."""


def demo(
    end: Annotated[str, typer.Option(help="Day after the last one that is replayed.")] = "2014-01-01",
    again: Annotated[bool, typer.Option("--again", help="Set aside what this home holds, and begin anew.")] = False,
) -> None:
    """Train on two months of 2013, serve, then replay the rest of the year while the loop keeps the model honest.

    Ends with a table and a picture of what it was worth, and leaves them in .driftloop/demo/ with summary.json. The
    services stay up; `driftloop down` stops them. Run again, it shows the story that was told.
    """
    from rich.console import Console

    from scripts.demo_home import set_aside, told_before

    console = Console(soft_wrap=True, highlight=False)
    home, live = Settings.from_env().home, Window.parse(TRAINING[1], end)
    if again:
        set_aside(home, console)
    elif told := told_before(home):
        _up(console)
        _show_again(console, home, told)
        return
    _tell(console, home, live)


def _tell(console: Console, home: Path, live: Window) -> None:
    from scripts.deploy_command import local_settings, open_registry
    from scripts.predict_command import example_row
    from scripts.run_command import load_loop

    started = time.monotonic()
    spec = load_loop(LOOP)
    _up(console)
    outcome = _train(console, spec)
    settings, registry = local_settings(), open_registry()
    version = registry.resolve(f"{LOOP}@champion")
    console.print("[bold]3. One flight, asked twice:[/bold]")
    _ask_both(console, settings.predictor_url, example_row(version), home / "demo" / "request.json")
    first = time.monotonic() - started
    summary = _summary(outcome, version, first)
    summary |= _live(console, settings, registry, spec, live, home / "demo")
    summary["seconds_total"] = round(time.monotonic() - started, 1)
    path = _write(home / "demo" / "summary.json", summary)
    _addresses(console, settings, registry.resolve(f"{LOOP}@champion").number, path)


def _up(console: Console) -> None:
    from pocket import services
    from scripts import progress

    console.print("[bold]1. Up:[/bold] S3, MLflow, Kubernetes API, Broker, pipelines API, and the loop's services")
    with progress.shown() as on_progress:
        services.up(Settings.from_env().home, os.environ, on_progress, loop=True)


def _train(console: Console, spec: LoopSpec) -> Outcome:
    from scripts import progress, run_tables
    from scripts.run_command import holdout_of, require_accepted, run_loop

    training = Window.parse(*TRAINING)
    console.print(f"[bold]2. Pipeline:[/bold] {LOOP}, trained on {training}, judged on the month after, then served")
    with progress.shown() as on_progress:
        outcome = run_loop(spec, training, holdout_of(spec, training), on_progress, rollout="direct")
    run_tables.show(outcome)
    require_accepted(outcome)
    return outcome


def _live(
    console: Console, settings: Settings, registry: Registry, spec: LoopSpec, live: Window, folder: Path
) -> dict[str, object]:
    """Replay the months as live traffic, tell what they were worth, and what goes into the summary."""
    from components.story import write
    from scripts import demo_story, progress, story_table
    from scripts.baselines import Baselines
    from scripts.replay.frame import frame_of

    console.print(f"[bold]4. Live:[/bold] flights of {live} with labels a day late; the loop does what it finds right")
    with progress.shown() as on_progress, TemporaryDirectory() as temporary:
        year = Window(Window.parse(*TRAINING).start, live.end)
        frame = frame_of(settings, spec, year, Path(temporary), on_progress)
        with Baselines(settings, spec, registry.resolve(f"{LOOP}/1"), frame, live) as baselines:
            tally = asyncio.run(demo_story.play(settings, spec, frame, live, on_progress))
            months = demo_story.months(settings, spec, frame, baselines, on_progress)
    told = demo_story.story(settings, LOOP, months)
    picture, page = write(told, folder)
    console.print("[bold]5. Was it worth it?[/bold] ROC AUC of each month's answers, by who gave them")
    story_table.show(console, told)
    console.print(f"   picture {_shown(picture)}\n   page    {_shown(page)}")
    traffic = demo_story.stored(settings, spec, tally, ASKED)
    return story_table.summary(told, traffic, demo_story.decisions(settings, LOOP))


def _show_again(console: Console, home: Path, told: Mapping[str, Any]) -> None:
    from scripts.deploy_command import local_settings, open_registry
    from scripts.story_table import show_summary

    settings, folder = local_settings(), home / "demo"
    console.print("[bold]The story was told here before;[/bold] `driftloop demo --again` tells it anew.")
    show_summary(console, told)
    console.print(f"   picture {_shown(folder / 'story.png')}\n   page    {_shown(folder / 'story.html')}")
    _addresses(console, settings, open_registry().resolve(f"{LOOP}@champion").number, folder / "summary.json")


def _ask_both(console: Console, address: str, row: dict[str, Any], request: Path) -> None:
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


def _summary(outcome: Outcome, version: Version, first: float) -> dict[str, object]:
    return {
        "seconds_to_first_prediction": round(first, 1),
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


def _addresses(console: Console, settings: Settings, version: str, summary: Path) -> None:
    console.print("[bold]Open:[/bold]")
    for name, place in (
        ("MLflow, this version", f"{settings.mlflow_tracking_uri}/#/models/{LOOP}/versions/{version}"),
        ("Predictor", f"{settings.predictor_url}/v2/models/{LOOP}"),
        ("Summary", _shown(summary)),
    ):
        console.print(f"   {name:<26} {place}")
    console.print("   [dim]driftloop lineage flights@champion   where this model comes from[/dim]")
    console.print("   [dim]make down                            stop the servers[/dim]")
