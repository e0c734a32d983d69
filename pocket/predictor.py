"""The predictor as a service of this machine, and its deployment: prove a version beside the old one, then swap."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import quote

from contracts.errors import ConfigError, DriftloopError
from pocket import probe, process, service, state
from pocket.environment import PREDICTOR, laid_under, users_own
from pocket.progress import Progress, Step
from pocket.service import Service
from pocket.state import Record

CANDIDATE = "candidate"
"""The service that proves a new version while the old one serves."""
_START_SECONDS = 120.0


def deploy(
    home: Path,
    env: Mapping[str, str],
    *,
    name: str,
    version: str,
    model_uri: str,
    card_sha256: str,
    on_progress: Progress,
) -> str:
    """Serve one model version on this machine; the predictor's base URL, which outlives deployments.

    What serves goes on serving until the new version has been ready on ports of its own; then it makes room for it.
    Deploying what serves already changes nothing. Errors: the one the predictor told, else UnavailableError.
    """
    if "DRIFTLOOP_PREDICTOR_URL" in users_own(home, env):
        raise ConfigError(
            "DRIFTLOOP_PREDICTOR_URL is set: that predictor is not this machine's to deploy to.",
            "Unset it, or deploy there.",
        )
    detail = {"name": name, "model_version": version, "model_uri": model_uri, "card_sha256": card_sha256}
    with state.locked(home, on_progress), ExitStack() as undo:
        env = laid_under(home, env)
        current = state.read(home, PREDICTOR)
        if current and current.detail != detail and process.is_running(current.pid, current.token):
            _prove(home, env, detail, on_progress)
        undo.callback(_restore, home, env, current, on_progress)
        wanted = service_of(PREDICTOR, env, detail)
        record = service.settle(home, service.ensure(home, wanted, on_progress), on_progress)
        undo.pop_all()
        return record.address


def deployed(home: Path, env: Mapping[str, str]) -> Service | None:
    """The service of the version deployed last, or None."""
    record = state.read(home, PREDICTOR)
    return service_of(PREDICTOR, env, record.detail) if record else None


def _restore(home: Path, env: Mapping[str, str], last: Record | None, on_progress: Progress) -> None:
    """Put back the deployment before a failed one: running if it ran, else as what `up` will start."""
    failed = state.read(home, PREDICTOR)
    if failed:
        process.stop(failed.token, failed.grace_seconds)
    if last is None:
        state.remove(home, PREDICTOR)
        return
    state.write(home, last.stopped())
    if last.token:
        _restart(home, service_of(PREDICTOR, env, last.detail), on_progress)


def _restart(home: Path, before: Service, on_progress: Progress) -> None:
    on_progress(Step(PREDICTOR, "restarting the version before"))
    try:
        service.settle(home, service.launch(home, before, on_progress), on_progress)
    except DriftloopError as error:  # told, not raised: the failure of the deployment is the one to report
        on_progress(Step(PREDICTOR, f"the version before cannot be restarted: {error.what}", done=True))


def _prove(home: Path, env: Mapping[str, str], detail: Mapping[str, str], on_progress: Progress) -> None:
    trial = service_of(CANDIDATE, env, detail)
    try:
        service.settle(home, service.launch(home, trial, on_progress), on_progress)
    finally:
        record = state.read(home, CANDIDATE)
        if record:
            service.halt(home, record)


def service_of(service_name: str, env: Mapping[str, str], detail: Mapping[str, str]) -> Service:
    """A predictor of one version, under one of pocket's names."""
    ready = ("/v2/health/ready", f"/v2/models/{quote(detail['name'], safe='')}/ready")
    return Service(
        name=service_name,
        usual_ports={"http": 8080, "grpc": 8081},
        command=lambda ports: _command(detail, ports),
        env=env,
        is_ready=lambda ports: all(probe.status(ports["http"], path) == 200 for path in ready),
        start_seconds=_START_SECONDS,
        detail=detail,
    )


def _command(detail: Mapping[str, str], ports: Mapping[str, int]) -> Sequence[str]:
    options = {**detail, "http_port": str(ports["http"]), "grpc_port": str(ports["grpc"])}
    given = (part for name, value in options.items() for part in (f"--{name.replace('_', '-')}", value))
    return [sys.executable, "-P", "-m", "serving.predictor", *given]
