"""The pipelines API as one of pocket's servers."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from pocket import probe
from pocket.environment import past_proxies
from pocket.service import Service

NAME = "pipelines"
USUAL_PORTS = {"http": 8888}
ROOT = "/apis/v2beta1"
_ADDRESSES = (
    *("AWS_ENDPOINT_URL_S3", "MLFLOW_TRACKING_URI", "KUBECONFIG", "K_SINK"),
    *("DRIFTLOOP_NAMESPACE", "DRIFTLOOP_DATA_BUCKET"),
)
"""Variables that the user may set for its runs; where one has changed, the server must be started anew."""


def service(home: Path, env: Mapping[str, str]) -> Service:
    """The API server of a home. Its runs have the environment it is given, and the addresses of the home's servers."""
    return Service(
        name=NAME,
        usual_ports=USUAL_PORTS,
        command=lambda ports: [
            *(sys.executable, "-P", "-m", "pocket.kfp_api", "--home", str(home.absolute())),
            *("--port", str(ports["http"])),
        ],
        env={**env, **past_proxies(env)},
        is_ready=lambda ports: probe.status(ports["http"], f"{ROOT}/healthz") == 200,
        start_seconds=60,
        detail={name: env[name] for name in _ADDRESSES if name in env},
        grace_seconds=15,
    )
