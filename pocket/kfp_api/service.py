"""The pipelines API as one of pocket's servers."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from pocket import probe
from pocket.kfp_api.server import ROOT
from pocket.service import Service

NAME = "pipelines"
USUAL_PORTS = {"http": 8888}


def service(home: Path, env: Mapping[str, str]) -> Service:
    """The API server of a home. Its runs have the environment it is given."""
    return Service(
        name=NAME,
        usual_ports=USUAL_PORTS,
        command=lambda ports: [
            *(sys.executable, "-P", "-m", "pocket.kfp_api", "--home", str(home.absolute())),
            *("--port", str(ports["http"])),
        ],
        env=env,
        is_ready=lambda ports: probe.status(ports["http"], f"{ROOT}/healthz") == 200,
        start_seconds=60,
        grace_seconds=15,
    )
