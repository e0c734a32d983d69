"""The serving half of pocket: Kubernetes API, Broker, pipelines API, and what turns objects into processes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from pocket import manifests, state
from pocket.broker import nats_server
from pocket.broker.service import ROLES, name_of, role_service
from pocket.environment import PIPELINES, laid_under
from pocket.kfp_api import service as pipelines
from pocket.kubernetes import service as kubernetes
from pocket.launcher import Launcher
from pocket.service import Begun, Service

NAMES = (kubernetes.NAME, nats_server.NAME, *map(name_of, ROLES), PIPELINES)
"""In the order in which they come up."""


def routes_path(home: Path) -> Path:
    """The file of Brokers and Triggers that the Broker follows; the controllers write it."""
    return home / "broker" / "routes.json"


def begin(launcher: Launcher, env: Mapping[str, str]) -> list[Begun]:
    """Start all that needs no other to be ready, and wait for none."""
    home = launcher.home
    if not routes_path(home).exists():
        state.private_folder(routes_path(home).parent)
        state.private_file(routes_path(home), "[]")
    begun = [launcher.begin(kubernetes.service(home, env)), launcher.begin(nats_server.service(home, env))]
    begun += [launcher.begin(wanted) for wanted in broker_roles(home, env)]
    if "KF_PIPELINES_ENDPOINT" not in env:
        begun.append(launcher.begin(bound(pipelines.service(home, laid_under(home, env)))))
    return begun


def finish(launcher: Launcher, env: Mapping[str, str], begun: list[Begun]) -> None:
    """Say where everything is, then apply the manifests; the controllers start what they name.

    Settings are written before: a container gets them once, when it starts. UnavailableError if anything fails.
    """
    home, full = launcher.home, laid_under(launcher.home, env)
    for each in begun:
        launcher.settle(each)
    manifests.write_settings(home, full)
    manifests.apply(home, full)


def known(home: Path, env: Mapping[str, str]) -> list[Service]:
    """Those that this home has had up, running or not."""
    wanted = [kubernetes.service(home, env), nats_server.service(home, env), *broker_roles(home, env)]
    wanted.append(pipelines.service(home, env))
    return [each for each in wanted if state.read(home, each.name)]


def broker_roles(home: Path, env: Mapping[str, str]) -> list[Service]:
    """The ingress and the dispatcher, for the NATS server that was started last."""
    nats = state.read(home, nats_server.NAME)
    port = nats.ports["http"] if nats else 0
    return [role_service(role, home, routes_path(home), port, env) for role in ROLES]


def bound(wanted: Service) -> Service:
    """A server that is started anew when an address it was given has changed."""
    addresses = {name: wanted.env[name] for name in manifests.PASSED_ON if name in wanted.env}
    return replace(wanted, detail={**wanted.detail, **addresses})
