"""`driftloop events`: what the loop found and decided, with the reasons."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Annotated, Literal

import typer

from contracts.cloudevent import CloudEvent
from contracts.events import PREFIX, SUFFIX, Drift, EventData, Retrain, Rollout, from_event
from scripts.run_command import Loop

POLL_SECONDS = 1.0
Kind = Literal["drift", "retrain", "rollout"]


def events(
    loop: Loop = "flights",
    kind: Annotated[Kind | None, typer.Option("--type", help="Only these: drift, retrain or rollout.")] = None,
    lines: Annotated[int, typer.Option("--lines", "-n", min=0, help="How many of the last.")] = 50,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until interrupted.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print each as a CloudEvent in JSON, a line each.")] = False,
) -> None:
    """Print the loop's decisions in the order in which they were told: drift, retrain and rollout events.

    [dim]driftloop events flights --type retrain
    driftloop events flights -f[/dim]
    """
    from contracts.eventlog import EventLog
    from contracts.objects import ObjectStore
    from scripts.deploy_command import local_settings

    settings = local_settings()
    log = EventLog(ObjectStore(settings), settings.data_bucket, loop)
    found = list(_of(kind, log.decisions()))
    for _, event in found[-lines:] if lines else ():
        _print(event, as_json)
    last = found[-1][0] if found else ""
    while follow:
        time.sleep(POLL_SECONDS)
        for uri, event in _of(kind, log.decisions(after=last)):
            _print(event, as_json)
            last = uri


def describe(data: EventData) -> str:
    """A decision in one line."""
    if isinstance(data, Drift):
        worth = f", ROC AUC {data.performance.value:.3f}" if data.performance else ""
        return (
            f"{data.end:%Y-%m-%d %H:%M}  drift    window {data.window} of version {data.model_version}: {data.verdict}"
            f" ({sum(test.drifted for test in data.features)} tests of features{worth}). {' '.join(data.reasons)}"
        ).rstrip()
    if isinstance(data, Retrain):
        return f"{data.at:%Y-%m-%d %H:%M}  retrain  {data.decision}: {data.reason}"
    if isinstance(data, Rollout):
        reasons = " ".join(data.reasons)
        return (
            f"{data.decided_at:%Y-%m-%d %H:%M}  rollout  version {data.version} at {data.step_percent} %:"
            f" {data.verdict.replace('_', ' ')}. {reasons}"
        ).rstrip()
    return data.name


def _of(kind: Kind | None, found: list[tuple[str, CloudEvent]]) -> Iterator[tuple[str, CloudEvent]]:
    return ((uri, event) for uri, event in found if kind is None or event["type"] == f"{PREFIX}{kind}{SUFFIX}")


def _print(event: CloudEvent, as_json: bool) -> None:
    if as_json:
        print(json.dumps(json.loads(event.to_structured()[1])), flush=True)
    else:
        print(describe(from_event(event)), flush=True)
