"""All of pocket's servers together: up and down."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from contracts.objects import ObjectStore
from contracts.settings import Settings
from pocket import loop_servers, manifests, mlflow_server, readiness, s3, state
from pocket.controllers import service as controllers
from pocket.environment import laid_under, users_own
from pocket.launcher import Launcher
from pocket.progress import Progress

NAMES = (s3.NAME, mlflow_server.NAME, *loop_servers.NAMES)
"""Every service pocket may have running, in the order in which they come up."""


def up(
    home: Path,
    env: Mapping[str, str],
    on_progress: Progress,
    tracking: bool = True,
    pipelines: bool = False,
    loop: bool = False,
) -> dict[str, str]:
    """Start what is not running, wait until all answer, make the buckets; the environment that finds them.

    Starts no server whose address the user has set; `tracking=False` leaves MLflow out; `pipelines=True` brings up the
    pipelines API too, `loop=True` all of the serving half and what the manifests name in it. If a server fails, nothing
    that this call started is left running; if only a service of the loop fails, they are. Errors: UnavailableError,
    BusyError.
    """
    with state.locked(home, on_progress):
        env = users_own(home, env)
        with Launcher(home, on_progress) as launcher:
            store = None if env.get("AWS_ENDPOINT_URL_S3") else launcher.begin(s3.service(home, env))
            wants_tracking = tracking and not env.get("MLFLOW_TRACKING_URI")
            mlflow = mlflow_server.service(home, laid_under(home, env))
            runs = launcher.begin(mlflow) if wants_tracking else None
            begin = loop_servers.begin if loop else loop_servers.begin_pipelines
            begun = begin(launcher, env) if loop or pipelines else []
            told = manifests.passed_on(laid_under(home, env))
            launcher.settle(store)
            _make_buckets(Settings.from_env(laid_under(home, env)), wants_tracking, trial=store is not None)
            if loop:
                loop_servers.finish(launcher, env, begun)
            else:
                loop_servers.settle(launcher, begun)
            launcher.settle(runs)
            if loop and told != manifests.passed_on(laid_under(home, env)):  # one had lost its port, and was moved
                loop_servers.finish(launcher, env, loop_servers.begin(launcher, env))
            launcher.keep()
    if loop:  # without the lock, which whoever starts them may need
        readiness.wait_until_ready(home, on_progress)
    return laid_under(home, env)


def down(home: Path, on_progress: Progress) -> list[str]:
    """Stop every server that was started, and tell which. Data, keys, logs, ports and objects stay."""
    if not home.exists():
        return []
    with state.locked(home, on_progress):
        launcher = Launcher(home, on_progress)
        started = controllers.running(home)
        launcher.stop_all(started)
        rest = [name for name in reversed(NAMES) if (record := state.read(home, name)) and record.token]
        for name in rest:
            launcher.stop_all([name])
        return started + rest


def _make_buckets(settings: Settings, tracking: bool, trial: bool) -> None:
    store = ObjectStore(settings)
    store.ensure_bucket(settings.data_bucket)
    if trial:
        s3.wait_until_writable(store, settings.data_bucket)
    if tracking:
        store.ensure_bucket(settings.mlflow_bucket)
