"""The second half of the demo: the months that follow as live traffic, and what the loop made of them."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow.compute as pc

from components.story import Kind, Mark, MonthAuc, Retrained, Story
from contracts.cloudevent import CloudEvent
from contracts.eventlog import EventLog
from contracts.events import Drift, Label, Retrain, Rollout, from_event
from contracts.loop import LoopSpec
from contracts.objects import ObjectStore
from contracts.settings import Settings
from contracts.window import Window

if TYPE_CHECKING:
    from pocket.progress import Progress
    from scripts.baselines import Baselines
    from scripts.replay.sender import Tally

BATCH_ROWS = 100
CLIENTS = 4
LAG_DAYS = 2
"""Of the replay, after which what followed from a day is waited for: by then it is done as a rule."""
WHOLE = 100
STORED_SECONDS = 30.0


@dataclass(frozen=True)
class Traffic:
    """What was sent, and what of it the event log holds."""

    tally: Tally
    asked_before: int
    """Rows that were asked about before the replay."""
    rows_stored: int
    labels_stored: int

    @property
    def sent(self) -> int:
        """Answered rows and labels."""
        return self.asked_before + self.tally.rows + self.tally.labels

    @property
    def stored(self) -> int:
        """Each row and each label once."""
        return self.rows_stored + self.labels_stored


async def play(settings: Settings, spec: LoopSpec, frame: Path, window: Window, on_progress: Progress) -> Tally:
    """Send the window day by day; what follows from a day is waited for two days later."""
    from components.cluster import custom_objects
    from components.inference_service import InferenceService
    from feature_store.contract import load
    from pipelines.submit import stage_of, under_way
    from pocket.progress import Step
    from scripts.predictor_address import predictor_of
    from scripts.replay import traffic
    from scripts.replay.pace import Pace
    from scripts.replay.sender import Sender

    service = InferenceService(custom_objects(), settings.namespace, spec.name)

    def stage() -> str | None:
        run = under_way(settings, spec.name)
        return stage_of(run) if run else None

    def has_canary() -> bool:
        state = service.read()
        return state is not None and 0 < (state.percent or 0) < WHOLE

    contract, delay = load(spec.name), timedelta(hours=spec.data.label_delay_hours)
    days = traffic.days(traffic.read(frame, contract), spec.name, contract.labels, delay, BATCH_ROWS, window)
    current = str(window.start)
    pace = Pace(
        *(log_of(settings, spec.name), spec, stage, has_canary),
        lambda what: on_progress(Step("replay", f"{current}: {what}")),
    )
    async with Sender(predictor_of(settings, spec.name), settings.sink, spec.name, CLIENTS) as sender:
        sent: deque[tuple[dict[str, int], list[Label]]] = deque()
        for day in days:
            current = str(day.date)
            on_progress(Step("replay", f"{current}: {sender.tally.rows:,} rows answered"))
            waits = [pace.settle(*sent.popleft())] if len(sent) == LAG_DAYS else []
            await asyncio.gather(sender.ask(day.requests), *waits)
            await sender.tell(day.labels)
            sent.append((dict(sender.tally.by_version), day.labels))
        for rest in sent:
            await pace.settle(*rest)
        on_progress(Step("replay", f"{sender.tally.rows:,} rows answered", done=True))
        return sender.tally


def log_of(settings: Settings, loop: str) -> EventLog:
    """The event log of a loop."""
    return EventLog(ObjectStore(settings), settings.data_bucket, loop)


def stored(settings: Settings, spec: LoopSpec, tally: Tally, asked_before: int) -> Traffic:
    """Count what the event log holds, once it holds everything, or does not get on."""
    log, deadline = log_of(settings, spec.name), time.monotonic() + STORED_SECONDS
    while True:
        rows = sum(log.rows(version, columns=["row_id"]).num_rows for version in log.versions())
        traffic = Traffic(tally, asked_before, rows, log.labels().num_rows)
        if traffic.stored >= traffic.sent or time.monotonic() > deadline:
            return traffic
        time.sleep(1)


def months(
    settings: Settings, spec: LoopSpec, frame: Path, baselines: Baselines, on_progress: Progress
) -> tuple[MonthAuc, ...]:
    """What each month's answers were worth, beside never retraining and retraining every month."""
    from components.worth import loop_auc
    from pocket.progress import Step

    on_progress(Step("worth", "what the months would have been worth otherwise"))
    log, answered = log_of(settings, spec.name), dict[str, float]()
    for version in log.versions():
        rows = log.rows(version, columns=["row_id", "score"])
        answered |= dict(zip(rows["row_id"].to_pylist(), rows["score"].to_pylist(), strict=True))
    told = tuple(
        MonthAuc(one.month.start, one.never, one.monthly, loop_auc(frame, one.month, answered))
        for one in baselines.result()
    )
    on_progress(Step("worth", f"{len(told)} months", done=True))
    return told


def decisions(settings: Settings, loop: str) -> list[Drift | Retrain | Rollout]:
    """What the loop found and decided, as it was told."""
    return [data for _, _, data in _decided(settings, loop)]


def story(settings: Settings, loop: str, told: tuple[MonthAuc, ...]) -> Story:
    """The story of a loop: its months, every decision that matters, and its training runs."""
    found = list(_decided(settings, loop))
    verdicts = {event["id"]: data.verdict for _, event, data in found if isinstance(data, Drift)}
    begun = _begun(settings, loop)
    marks: list[Mark] = []
    for _, _, data in found:
        if isinstance(data, Retrain) and data.decision == "accepted":
            marks.append(Mark(data.at, "retrain", data.reason))
        elif isinstance(data, Retrain) and verdicts.get(data.drift_id) == "drift":
            marks.append(Mark(data.at, "suppressed", data.reason))
        elif isinstance(data, Rollout) and data.verdict in ("promoted", "rolled_back") and data.version in begun:
            kind: Kind = "promoted" if data.verdict == "promoted" else "rolled_back"
            marks.append(Mark(begun[data.version], kind, " ".join(data.reasons), data.version))
    runs = list(_runs(settings, loop, found))
    marks += [Mark(run.at, "gate_rejected", run.outcome) for run in runs if run.outcome.startswith("rejected")]
    return Story(loop, told, tuple(sorted(marks, key=lambda mark: mark.at)), tuple(runs))


def _decided(settings: Settings, loop: str) -> Iterator[tuple[str, CloudEvent, Drift | Retrain | Rollout]]:
    for uri, event in log_of(settings, loop).decisions():
        data = from_event(event)
        if isinstance(data, Drift | Retrain | Rollout):
            yield uri, event, data


def _begun(settings: Settings, loop: str) -> dict[str, datetime]:
    """When each version began to answer, by the rows' own time. The first one's rows are of before any retraining."""
    log = log_of(settings, loop)
    times = {version: log.rows(version, columns=["event_timestamp"])["event_timestamp"] for version in log.versions()}
    return {version: pc.min(column).as_py() for version, column in times.items() if len(column)}


def _runs(
    settings: Settings, loop: str, found: list[tuple[str, CloudEvent, Drift | Retrain | Rollout]]
) -> Iterator[Retrained]:
    """The training runs that drift led to, oldest first."""
    from pipelines.submit import run_named

    ends = [
        data
        for _, _, data in found
        if isinstance(data, Rollout) and data.verdict in ("promoted", "rolled_back") and data.version != "1"
    ]
    for decision in (data for _, _, data in found if isinstance(data, Retrain) and data.decision == "accepted"):
        run = run_named(settings, f"{loop}-retrain-{decision.episode}")
        if run is None:
            continue
        tasks = {task.display_name for task in (run.run_details and run.run_details.task_details) or []}
        outcome = f"rejected by the gate ({run.state})"
        if "rollout" in tasks and ends:
            end = ends.pop(0)
            outcome = f"version {end.version}: {end.verdict.replace('_', ' ')}"
        parameters = run.runtime_config.parameters
        days = f"[{parameters['start']}, {parameters['end']})"
        yield Retrained(decision.at, decision.episode, days, outcome, _seconds(run))


def _seconds(run: Any) -> float:
    finished = run.finished_at or datetime.now(UTC)
    return float((finished - run.created_at).total_seconds())
