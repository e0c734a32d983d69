"""Runs of the training pipeline on whatever answers Kubeflow's API: submit one, follow it, terminate it."""

from __future__ import annotations

import contextlib
import io
import json
import logging
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from contracts.errors import MARK, ConfigError, DriftloopError, UnavailableError
from contracts.loop import LoopSpec
from contracts.settings import Settings
from contracts.window import Window
from pipelines.failure import UNKNOWN, at_step, from_status

OnEvent = Callable[[str, str], None]
"""Called with a step's name and `running`, `done` or `failed`."""

POLL_SECONDS = 1.0
PATIENCE_SECONDS = 60.0
"""How long a server may be away while a run is followed."""
_FINAL = ("SUCCEEDED", "FAILED", "CANCELED", "SKIPPED")
_EVENTS = {"RUNNING": "running", "SUCCEEDED": "done", "FAILED": "failed", "CANCELED": "failed"}


def submit(
    settings: Settings,
    spec: LoopSpec,
    windows: tuple[Window, Window],
    name: str,
    rollout: str = "none",
    refit: str = "no",
    data_version: str = "",
) -> str:
    """Start a run over a training window and the holdout that follows it; its id. The loop is its experiment.

    Errors: ConfigError if the API refuses it, UnavailableError. No API knows a run by its name alone: who may ask twice
    lists the runs of that name first. A server that caches may take rows and features from an earlier run of the same
    `data_version` and code; without one nothing is taken.
    """
    training, holdout = windows
    arguments = {
        "spec": spec.to_json(),
        "start": str(training.start),
        "end": str(training.end),
        "holdout_end": str(holdout.end),
        "code_version": settings.code_version,
        "rollout": rollout,
        "refit": refit,
        "data_version": data_version or name,
    }
    with asking(settings) as client, contextlib.redirect_stdout(io.StringIO()):  # it prints links
        result = client.create_run_from_pipeline_package(
            str(settings.pipeline), arguments=arguments, run_name=name, experiment_name=spec.name
        )
    return str(result.run_id)


def follow(settings: Settings, run_id: str, on_event: OnEvent, on_wait: Callable[[str], None] | None = None) -> Any:
    """Tell of a run's steps until it ends; kfp's V2beta1Run of one that went well.

    `on_wait` is told, again and again, which run one that has not begun waits for. Errors: the DriftloopError a step
    ended with, as far as the server tells; DriftloopError if it was terminated; UnavailableError if the server is away
    for too long.
    """
    steps, told = _steps(settings), dict[str, str]()
    for run in _versions(settings, run_id):
        if on_wait and run.state == "PENDING" and (ahead := _ahead(settings, run)):
            on_wait(f"{ahead.display_name}, which is at {stage_of(ahead)}")
        for task in (run.run_details and run.run_details.task_details) or []:
            _tell(task, steps, told, on_event)
    if run.state == "SUCCEEDED":
        return run
    raise _failure(settings, run, steps)


def terminate(settings: Settings, run_id: str) -> None:
    """End a run and wait until it has ended. One that has ended already is left as it is."""
    with contextlib.suppress(ConfigError), asking(settings) as client:
        client.terminate_run(run_id)
    for _ in _versions(settings, run_id):
        pass


def _versions(settings: Settings, run_id: str) -> Iterator[Any]:
    """A run again and again, the last time as it ended."""
    answered, state = time.monotonic(), ""
    while state not in _FINAL:
        try:
            with asking(settings) as client:
                run = client.get_run(run_id)
        except UnavailableError:
            if time.monotonic() - answered > PATIENCE_SECONDS:
                raise
        else:
            yield run
            answered, state = time.monotonic(), run.state
        if state not in _FINAL:
            time.sleep(POLL_SECONDS)


def _steps(settings: Settings) -> set[str]:
    """Names of the tasks that run code; servers tell of groups, drivers and pods too."""
    import yaml

    compiled = next(yaml.safe_load_all(settings.pipeline.read_text()))
    components = compiled["components"]
    tasks = [task for group in (compiled["root"], *components.values()) for task in _tasks(group)]
    return {name for name, component in tasks if "executorLabel" in components[component]}


def _tasks(group: dict[str, Any]) -> list[tuple[str, str]]:
    return [(name, task["componentRef"]["name"]) for name, task in group.get("dag", {}).get("tasks", {}).items()]


def _tell(task: Any, steps: set[str], told: dict[str, str], on_event: OnEvent) -> None:
    event = _EVENTS.get(task.state)
    before = told.get(task.task_id)
    if task.display_name not in steps or not event or event == before:
        return
    if before is None and event != "running":
        on_event(task.display_name, "running")
    on_event(task.display_name, event)
    told[task.task_id] = event


def _failure(settings: Settings, run: Any, steps: set[str]) -> DriftloopError:
    if run.state != "FAILED":
        return DriftloopError(f"Run {run.display_name} was terminated.")
    tasks = (run.run_details and run.run_details.task_details) or []
    errors = [one.error for one in (run, *tasks) if one.error and one.error.message]
    errors.sort(key=lambda error: MARK not in error.message)  # what a step itself said comes first
    log = log_of(settings, run)
    code, message = (errors[0].code, errors[0].message) if errors else (UNKNOWN, f"Run {run.display_name} failed.")
    step = next((task.display_name for task in tasks if task.state == "FAILED" and task.display_name in steps), None)
    return at_step(from_status(code, message), step, log) if step else from_status(code, f"{message}\nSee {log}")


def log_of(settings: Settings, run: Any) -> str:
    """Where a run's log is: beside its artifacts if these are in a folder, else on the page of the run."""
    root = str((run.runtime_config and run.runtime_config.pipeline_root) or "")
    page = f"{settings.kfp_endpoint}/#/runs/details/{run.run_id}"
    return str(Path(root).parent / "run.log") if root.startswith("/") else page


@contextlib.contextmanager
def asking(settings: Settings) -> Iterator[Any]:
    """A client; what goes wrong with its server becomes a DriftloopError."""
    import kfp_server_api
    import urllib3

    logging.getLogger().addFilter(_is_not_kfps)
    try:
        yield _client(settings)
    except kfp_server_api.ApiException as error:
        raise _refusal(settings, error) from error
    except (urllib3.exceptions.HTTPError, TimeoutError) as error:
        raise _away(settings, str(error)) from error


def _client(settings: Settings) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        from kfp.client import Client, ServiceAccountTokenVolumeCredentials

        token = settings.kfp_token
        if token is None:
            return Client(host=settings.kfp_endpoint)
        if not token.is_file():
            raise ConfigError(f"KF_PIPELINES_SA_TOKEN_PATH is {token}, which is no file.", "Mount the token there.")
        return Client(host=settings.kfp_endpoint, credentials=ServiceAccountTokenVolumeCredentials(str(token)))


def _is_not_kfps(record: logging.LogRecord) -> bool:
    """Of a server that is away kfp's client logs tracebacks, to the root logger; what is raised says enough."""
    return not record.pathname.endswith("/kfp/client/client.py")


def _refusal(settings: Settings, error: Any) -> DriftloopError:
    try:
        message = json.loads(error.body)["message"]
    except (ValueError, KeyError, TypeError):
        message = str(error.reason)
    if error.status and error.status < 500 and error.status != 429:
        return ConfigError(f"The pipelines API refused: {message}", f"It answers at {settings.kfp_endpoint}.")
    return _away(settings, message)


def _away(settings: Settings, reason: str) -> UnavailableError:
    return UnavailableError(
        f"The pipelines API at {settings.kfp_endpoint} did not answer: {reason}",
        "Start it with `driftloop up`, or set KF_PIPELINES_ENDPOINT.",
    )


def under_way(settings: Settings, loop: str) -> Any | None:
    """The loop's newest run that has not ended, or None."""
    with asking(settings) as client:
        runs = client.list_runs(page_size=20, sort_by="created_at desc").runs or ()
    return next((run for run in runs if run.display_name.startswith(f"{loop}-") and run.state not in _FINAL), None)


def _ahead(settings: Settings, run: Any) -> Any | None:
    """The oldest run that was asked for before this one and has not ended, or None; also if nobody answers now."""
    with contextlib.suppress(UnavailableError), asking(settings) as client:
        runs = client.list_runs(page_size=50, sort_by="created_at desc").runs or ()
        open_runs = [one for one in runs if one.state not in _FINAL and one.created_at < run.created_at]
        return open_runs[-1] if open_runs else None
    return None


def stage_of(run: Any) -> str:
    """The step that a run in progress is at."""
    tasks = (run.run_details and run.run_details.task_details) or []
    return next((task.display_name for task in reversed(tasks) if task.state == "RUNNING"), "its queue")


def run_named(settings: Settings, name: str) -> Any | None:
    """The run of a display name, the first of several, or None."""
    wanted = json.dumps({"predicates": [{"operation": "EQUALS", "key": "display_name", "stringValue": name}]})
    with asking(settings) as client:
        found = client.list_runs(page_size=1, sort_by="created_at", filter=wanted).runs or ()
        return client.get_run(found[0].run_id) if found else None
