"""Recurring runs of a loop on Kubeflow Pipelines: one a loop at most, made, looked up and taken away by its name."""

from __future__ import annotations

import contextlib
import io
import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from contracts.errors import ConfigError
from contracts.loop import LoopSpec
from contracts.settings import Settings
from pipelines.compile import SCHEDULED
from pipelines.submit import asking

CRON_FIELDS = 6
"""Second, minute, hour, day of the month, month, day of the week."""


@dataclass(frozen=True)
class Schedule:
    """A recurring run."""

    id: str
    name: str
    cron: str
    enabled: bool
    made_at: datetime


def name_of(loop: str) -> str:
    """Its display name; with that of its runs, which begin with the loop's name, they count as runs in flight."""
    return f"{loop}-scheduled"


def find(settings: Settings, loop: str) -> list[Schedule]:
    """The loop's, newest first: one, or none. ConfigError if the API has no recurring runs; UnavailableError."""
    wanted = {"operation": "EQUALS", "key": "display_name", "stringValue": name_of(loop)}
    with asking(settings) as client:
        found = client.list_recurring_runs(
            page_size=100, sort_by="created_at desc", filter=json.dumps({"predicates": [wanted]})
        )
    return [_read(one) for one in found.recurring_runs or ()]


def create(settings: Settings, spec: LoopSpec, cron: str, rollout: str, pipeline: Path = SCHEDULED) -> Schedule:
    """Have the loop trained whenever the clock says so; what was said before goes, once the new word is there.

    Runs that were missed are not made up for, and one does not begin beside another.
    """
    if len(cron.split()) != CRON_FIELDS:
        raise ConfigError(
            f"--cron is {cron!r}, which has {len(cron.split())} fields.",
            "Write second, minute, hour, day of the month, month, weekday: '0 0 4 * * *' is 4:00 UTC each day.",
        )
    before = find(settings, spec.name)
    parameters = {"spec": spec.to_json(), "code_version": settings.code_version, "rollout": rollout}
    with asking(settings) as client, contextlib.redirect_stdout(io.StringIO()):  # it prints links
        experiment = client.create_experiment(spec.name)
        made = client.create_recurring_run(
            experiment.experiment_id,
            name_of(spec.name),
            cron_expression=cron,
            max_concurrency=1,
            no_catchup=True,
            params=parameters,
            pipeline_package_path=str(pipeline),
        )
    _delete(settings, before)
    return _read(made)


def delete(settings: Settings, loop: str) -> int:
    """Take the loop's away; how many there were. Runs that have begun go on."""
    found = find(settings, loop)
    _delete(settings, found)
    return len(found)


def _delete(settings: Settings, schedules: list[Schedule]) -> None:
    for schedule in schedules:
        with asking(settings) as client:
            client.delete_recurring_run(schedule.id)


def _read(found: Any) -> Schedule:
    cron = found.trigger and found.trigger.cron_schedule and found.trigger.cron_schedule.cron
    return Schedule(
        id=str(found.recurring_run_id),
        name=str(found.display_name),
        cron=str(cron or "none"),
        enabled=found.status in (None, "ENABLED"),
        made_at=found.created_at,
    )
