"""What the loop made of the traffic: its windows, what was found in them, what was decided, what was run."""

from __future__ import annotations

import time
import warnings
from dataclasses import dataclass, field
from typing import Any

from contracts.errors import UnavailableError
from contracts.eventlog import EventLog, is_labelled
from contracts.events import Drift, Retrain, from_event
from contracts.loop import LoopSpec
from contracts.objects import ObjectStore
from contracts.settings import Settings
from pocket.progress import Progress, Step
from scripts.replay.sender import Tally

PATIENCE_SECONDS = 300.0
"""How long the services may take for what was sent last."""
POLL_SECONDS = 1.0


@dataclass(frozen=True)
class Judged:
    """One window: first without labels, then with them."""

    name: str
    drift: Drift
    decision: Retrain | None


@dataclass(frozen=True)
class Finding:
    """Everything that was seen."""

    tally: Tally
    version: str
    rows_stored: int
    labels_stored: int
    windows: int
    labelled_windows: int
    judged: list[Judged] = field(default_factory=list)
    runs: list[str] = field(default_factory=list)
    """Names of the pipeline runs."""


def listen(settings: Settings, spec: LoopSpec, version: str, tally: Tally, on_progress: Progress) -> Finding:
    """Wait until every window is decided on, with its labels too. UnavailableError if that takes too long."""
    log = EventLog(ObjectStore(settings), settings.data_bucket, spec.name)
    due = windows_due(spec, version, tally)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while (found := _found(log, settings, version, tally)) and not _is_whole(found, due):
        on_progress(Step("windows", f"{len(found.judged)} of {2 * due} judged and decided on"))
        if time.monotonic() > deadline:
            raise UnavailableError(
                f"After {PATIENCE_SECONDS:g} s the event log has {found.rows_stored} of {tally.rows} rows and "
                f"{found.labels_stored} of {tally.labels} labels, and {len(found.judged)} of {2 * due} windows judged.",
                "See the logs in --home.",
            )
        time.sleep(POLL_SECONDS)
    on_progress(Step("windows", f"{len(found.judged)} judged and decided on", done=True))
    return found


def windows_due(spec: LoopSpec, version: str, tally: Tally) -> int:
    """How many windows of a version are full; a canary that should not be there would have the other rows."""
    return tally.by_version.get(version, 0) // spec.drift.window_rows


def _is_whole(found: Finding, due: int) -> bool:
    stored = found.rows_stored >= found.tally.rows and found.labels_stored >= found.tally.labels
    return stored and len(found.judged) >= 2 * due and all(one.decision for one in found.judged)


def _found(log: EventLog, settings: Settings, version: str, tally: Tally) -> Finding:
    told = [(event, from_event(event)) for _, event in log.decisions()]
    decided = {data.drift_id: data for _, data in told if isinstance(data, Retrain)}
    judged = [
        Judged(data.window, data, decided.get(event["id"]))
        for event, data in told
        if isinstance(data, Drift) and data.model_version == version
    ]
    uris = log.listed(log.windows_prefix(version))
    labelled = sum(map(is_labelled, uris))
    return Finding(
        tally=tally,
        version=version,
        rows_stored=sum(log.rows(one, columns=["row_id"]).num_rows for one in log.versions()),
        labels_stored=log.labels().num_rows,
        windows=len(uris) - labelled,
        labelled_windows=labelled,
        judged=sorted(judged, key=lambda one: (one.drift.end, one.drift.performance is not None)),
        runs=[run.display_name for run in _runs(settings)],
    )


def _runs(settings: Settings) -> list[Any]:
    """Of the pipelines API, whatever their state."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        from kfp.client import Client

        return list(Client(host=settings.kfp_endpoint).list_runs(page_size=100).runs or ())
