"""The controllers as one of pocket's servers, and the end of everything they start."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from pocket import probe, state
from pocket import service as services
from pocket.controllers import envoy
from pocket.controllers.revision import RECORDS
from pocket.service import Service

NAME = "controllers"
USUAL_PORTS = {"http": 8089}
"""Of its health endpoint."""


def service(home: Path, env: Mapping[str, str]) -> Service:
    """The controllers of a home. They are ready once they have seen every object, and Envoy answers."""
    return Service(
        name=NAME,
        usual_ports=USUAL_PORTS,
        command=lambda ports: [
            *(sys.executable, "-P", "-m", "pocket.controllers", "--home", str(home.absolute())),
            *("--port", str(ports["http"])),
        ],
        env=env,
        is_ready=lambda ports: probe.status(ports["http"], "/healthz") == 200,
        start_seconds=60,
        grace_seconds=10,
    )


def running(home: Path) -> list[str]:
    """Names of the services that the controllers started, and their own: those with processes, as recorded."""
    names = [NAME, *sorted(path.stem for path in (home / "state").glob(f"{RECORDS}*.json")), envoy.NAME]
    return [name for name in names if (record := state.read(home, name)) and record.token]


def halt_all(home: Path) -> list[str]:
    """Stop the controllers, so that nothing is started again, then what they started; the names of what ran."""
    stopped = running(home)
    for name in stopped:
        if record := state.read(home, name):
            services.halt(home, record)
    return stopped
