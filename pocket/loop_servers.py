"""The serving half of pocket: Kubernetes API, Broker, pipelines API, and what turns objects into processes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pocket import manifests, state
from pocket.broker import nats_server
from pocket.broker.service import ROLES, name_of, role_service
from pocket.controllers import eventing
from pocket.controllers import service as controllers
from pocket.environment import PIPELINES, laid_under
from pocket.kfp_api import service as pipelines
from pocket.kubernetes import service as kubernetes
from pocket.launcher import Launcher
from pocket.service import Begun, Service

NAMES = (kubernetes.NAME, nats_server.NAME, *map(name_of, ROLES), PIPELINES, controllers.NAME)
"""In the order in which they come up."""


def begin(launcher: Launcher, env: Mapping[str, str]) -> list[Begun]:
    """Start all that needs no other to be ready, and wait for none."""
    home = launcher.home
    eventing.ensure(home)
    begun = [launcher.begin(kubernetes.service(home, env)), launcher.begin(nats_server.service(home, env))]
    begun += [launcher.begin(wanted) for wanted in broker_roles(home, env)]
    return begun + begin_pipelines(launcher, env)


def begin_pipelines(launcher: Launcher, env: Mapping[str, str]) -> list[Begun]:
    """Start the pipelines API, unless the user has one."""
    return [] if "KF_PIPELINES_ENDPOINT" in env else [launcher.begin(pipelines.service(launcher.home, env))]


def settle(launcher: Launcher, begun: list[Begun]) -> None:
    """Wait until all that was begun answers."""
    for each in begun:
        launcher.settle(each)


def finish(launcher: Launcher, env: Mapping[str, str], begun: list[Begun]) -> None:
    """Say where everything is, then apply the manifests; the controllers start what they name.

    Settings are written before, and if they differ what runs is started anew: a container gets them once, when it
    starts. UnavailableError if anything fails.
    """
    home, full = launcher.home, laid_under(launcher.home, env)
    settle(launcher, begun)
    if manifests.write_settings(home, full):
        launcher.stop_all(controllers.running(home))
    if not controllers.running(home):
        launcher.on_failure(lambda: launcher.stop_all(controllers.running(home)))
    turning = launcher.begin(controllers.service(home, full))
    manifests.apply(home, full)
    launcher.settle(turning)


def known(home: Path, env: Mapping[str, str]) -> list[Service]:
    """Those that this home has had up, running or not."""
    wanted = [kubernetes.service(home, env), nats_server.service(home, env), *broker_roles(home, env)]
    wanted += [pipelines.service(home, env), controllers.service(home, env)]
    return [each for each in wanted if state.read(home, each.name)]


def broker_roles(home: Path, env: Mapping[str, str]) -> list[Service]:
    """The ingress and the dispatcher, for the NATS server that was started last."""
    nats = state.read(home, nats_server.NAME)
    port = nats.ports["http"] if nats else 0
    return [role_service(role, home, eventing.config_path(home), port, env) for role in ROLES]
