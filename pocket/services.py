"""All of pocket's servers together: up, status, down."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

from contracts.objects import ObjectStore
from contracts.settings import Settings
from pocket import mlflow_server, s3, state
from pocket import service as servers
from pocket.environment import laid_under
from pocket.service import Progress, Service
from pocket.state import Record

NAMES = (s3.NAME, mlflow_server.NAME)


def up(home: Path, env: Mapping[str, str], on_progress: Progress, tracking: bool = True) -> dict[str, str]:
    """Start what is not running, wait until all answer, make the buckets; the environment that finds them.

    A server whose address the user has set is not started. Errors: UnavailableError, after which nothing that
    this call started is left running; BusyError.
    """
    with state.locked(home, lambda: on_progress("up", "waiting for another driftloop command")), ExitStack() as undo:
        started = [_begin(home, s3.service(home, env), undo, on_progress)] if not env.get("AWS_ENDPOINT_URL_S3") else []
        if tracking and not env.get("MLFLOW_TRACKING_URI"):
            started.append(_begin(home, mlflow_server.service(home, laid_under(home, env)), undo, on_progress))
        for service, record in started:
            servers.settle(home, service, record, on_progress)
            if service.name == s3.NAME:
                _make_buckets(Settings.from_env(laid_under(home, env)))
        undo.pop_all()
        return laid_under(home, env)


def down(home: Path, on_progress: Progress) -> None:
    """Stop what was started; data, keys, ports and logs stay."""
    with state.locked(home, lambda: on_progress("down", "waiting for another driftloop command")):
        for name in reversed(NAMES):
            record = state.read(home, name)
            if record and record.token:
                servers.halt(home, record)
                on_progress(name, "stopped")


def _begin(home: Path, service: Service, undo: ExitStack, on_progress: Progress) -> tuple[Service, Record]:
    record, launched = servers.ensure(home, service, on_progress)
    if launched:
        undo.callback(_halt, home, service.name)
    return service, record


def _halt(home: Path, name: str) -> None:
    record = state.read(home, name)
    if record:
        servers.halt(home, record)


def _make_buckets(settings: Settings) -> None:
    store = ObjectStore(settings)
    for bucket in (settings.data_bucket, mlflow_server.BUCKET):
        store.ensure_bucket(bucket)
