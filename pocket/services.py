"""All of pocket's servers together: up and down."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

from contracts.objects import ObjectStore
from contracts.settings import Settings
from pocket import mlflow_server, predictor, s3, service, state
from pocket.environment import PREDICTOR, laid_under, users_own
from pocket.progress import Progress, Step
from pocket.service import Begun, Service

NAMES = (s3.NAME, mlflow_server.NAME, PREDICTOR, predictor.CANDIDATE)
"""Every service pocket may have running, in the order in which they come up."""


def up(home: Path, env: Mapping[str, str], on_progress: Progress, tracking: bool = True) -> dict[str, str]:
    """Start what is not running, wait until all answer, make the buckets; the environment that finds them.

    Starts no server whose address the user has set; `tracking=False` leaves MLflow out. If S3 or MLflow fails,
    nothing that this call started is left running; if only the predictor fails, they are. Errors: UnavailableError,
    BusyError, and what the predictor tells of its model.
    """
    with state.locked(home, on_progress):
        env = users_own(home, env)
        _stop(home, predictor.CANDIDATE)  # there is one only if a deployment was killed
        with ExitStack() as undo:
            store = None if env.get("AWS_ENDPOINT_URL_S3") else _begin(home, s3.service(home, env), undo, on_progress)
            wants_tracking = tracking and not env.get("MLFLOW_TRACKING_URI")
            mlflow = mlflow_server.service(home, laid_under(home, env))
            runs = _begin(home, mlflow, undo, on_progress) if wants_tracking else None
            _settle(home, store, on_progress)
            _make_buckets(Settings.from_env(laid_under(home, env)), wants_tracking, trial=store is not None)
            serving = _begin_serving(home, env, undo, on_progress)
            _settle(home, runs, on_progress)
            undo.pop_all()
        _settle(home, serving, on_progress)
        return laid_under(home, env)


def down(home: Path, on_progress: Progress) -> list[str]:
    """Stop every server that was started, and tell which. Data, keys, logs, ports and the deployment stay."""
    if not home.exists():
        return []
    with state.locked(home, on_progress):
        running = [name for name in reversed(NAMES) if (record := state.read(home, name)) and record.token]
        for name in running:
            on_progress(Step(name, "stopping"))
            _stop(home, name)
            on_progress(Step(name, "stopped", done=True))
        return running


def _begin(home: Path, wanted: Service, undo: ExitStack, on_progress: Progress) -> Begun:
    before = state.read(home, wanted.name)
    undo.callback(_stop_new, home, wanted.name, before.token if before else "")  # first: the launch may be interrupted
    return service.ensure(home, wanted, on_progress)


def _begin_serving(home: Path, env: Mapping[str, str], undo: ExitStack, on_progress: Progress) -> Begun | None:
    last = None if env.get("DRIFTLOOP_PREDICTOR_URL") else predictor.deployed(home, laid_under(home, env))
    return _begin(home, last, undo, on_progress) if last else None


def _settle(home: Path, begun: Begun | None, on_progress: Progress) -> None:
    if begun:
        service.settle(home, begun, on_progress)


def _stop_new(home: Path, name: str, old_token: str) -> None:
    record = state.read(home, name)
    if record and record.token != old_token:
        _stop(home, name)


def _stop(home: Path, name: str) -> None:
    record = state.read(home, name)
    if record and record.token:
        service.halt(home, record)


def _make_buckets(settings: Settings, tracking: bool, trial: bool) -> None:
    store = ObjectStore(settings)
    store.ensure_bucket(settings.data_bucket)
    if trial:
        s3.wait_until_writable(store, settings.data_bucket)
    if tracking:
        store.ensure_bucket(settings.mlflow_bucket)
