"""The Broker's ingress and dispatcher as two of pocket's servers. The third is NATS."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from pocket import probe
from pocket.service import Service

INGRESS, DISPATCHER = "ingress", "dispatcher"
ROLES = (INGRESS, DISPATCHER)
USUAL_PORTS = {INGRESS: 8085, DISPATCHER: 8086}


def name_of(role: str) -> str:
    """The service's name in pocket."""
    return f"broker-{role}"


def role_service(role: str, home: Path, config: Path, nats_port: int, env: Mapping[str, str]) -> Service:
    """The ingress or the dispatcher as a service. Its record's address is where events are posted."""

    def command(ports: Mapping[str, int]) -> list[str]:
        given = {"home": home, "config": config, "role": role, "http-port": ports["http"], "nats-port": nats_port}
        return [sys.executable, "-P", "-m", "pocket.broker", *(f"--{name}={value}" for name, value in given.items())]

    return Service(
        name=name_of(role),
        usual_ports={"http": USUAL_PORTS[role]},
        command=command,
        env=env,
        is_ready=lambda ports: probe.status(ports["http"], "/healthz") == 200,
        start_seconds=60,
        detail={"config": str(config), "nats_port": str(nats_port)},
        grace_seconds=5,
    )
