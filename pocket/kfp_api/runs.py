"""What the API tells of a run: a v2beta1 Run, and how it changes."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime

from pocket.kfp_api.api_error import WRONG_STATE, ApiError, Json
from pocket.kfp_api.listing import timestamp

FINAL = ("SUCCEEDED", "FAILED", "CANCELED")
IN_PROGRESS = ("RUNNING", "CANCELING")
_EVENTS = {"done": "SUCCEEDED", "failed": "FAILED"}


def new_run(wish: Json, now: datetime) -> Json:
    """A run that waits, from what was asked for."""
    run = {
        **wish,
        "run_id": str(uuid.uuid4()),
        "storage_state": "AVAILABLE",
        "created_at": timestamp(now),
        "scheduled_at": timestamp(now),
        "state_history": [],
        "run_details": {"task_details": []},
    }
    enter(run, "PENDING", now)
    return run


def enter(run: Json, state: str, now: datetime, error: Json | None = None) -> None:
    """Set a run's state. A final state is never left, and is that of every task still open."""
    if run.get("state") in (*FINAL, state):
        return
    _set(run, state, now, error)
    if state in FINAL:
        run["finished_at"] = timestamp(now)
        for task in _open_tasks(run):
            _end(task, state, now)


def begin(run: Json, pipeline_root: str, now: datetime) -> None:
    """Note that a run's turn has come, and where its files are. ApiError if it waits no more."""
    if run["state"] != "PENDING":
        raise ApiError(WRONG_STATE, f"Run {run['run_id']} is {run['state']}.")
    run["runtime_config"]["pipeline_root"] = pipeline_root
    enter(run, "RUNNING", now)


def ask_to_end(run: Json, now: datetime) -> None:
    """Terminate a run: one that waits is over at once. ApiError if it has ended."""
    if run["state"] in FINAL:
        raise ApiError(WRONG_STATE, f"Run {run['run_id']} cannot be terminated: it has ended as {run['state']}.")
    waits = run["state"] == "PENDING"
    enter(run, "CANCELING", now)
    if waits:
        enter(run, "CANCELED", now)


def note_task(run: Json, step: str, event: str, now: datetime) -> None:
    """Note that a step began or ended. A fan-out's tasks have one name: the one that began first ends first."""
    if event in _EVENTS:
        for task in [task for task in _open_tasks(run) if task["display_name"] == step][:1]:
            _end(task, _EVENTS[event], now)
        return
    begun = {"run_id": run["run_id"], "task_id": str(uuid.uuid4()), "display_name": step, "state_history": []}
    task = {**begun, "create_time": timestamp(now), "start_time": timestamp(now)}
    _set(task, "RUNNING", now)
    run["run_details"]["task_details"].append(task)


def utc_now() -> datetime:
    """The time."""
    return datetime.now(UTC)


def _open_tasks(run: Json) -> list[Json]:
    return [task for task in run["run_details"]["task_details"] if task["state"] not in FINAL]


def _end(task: Json, state: str, now: datetime) -> None:
    _set(task, state, now)
    task["end_time"] = timestamp(now)


def _set(what: Json, state: str, now: datetime, error: Json | None = None) -> None:
    told = {"error": error} if error else {}
    what |= {"state": state, **told}
    what["state_history"].append({"update_time": timestamp(now), "state": state, **told})
