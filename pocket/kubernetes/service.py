"""The Kubernetes API as one of pocket's servers."""

from __future__ import annotations

import http.client
import ssl
import sys
from collections.abc import Mapping
from pathlib import Path

from pocket.kubernetes import access
from pocket.service import Service

NAME = "kubernetes"
USUAL_PORTS = {"http": 6443}
_SECONDS = 2


def service(home: Path, env: Mapping[str, str]) -> Service:
    """The API server of a home. It writes `kubeconfig` into the home when it starts."""
    return Service(
        name=NAME,
        usual_ports=USUAL_PORTS,
        command=lambda ports: [
            *(sys.executable, "-P", "-m", "pocket.kubernetes", "--home", str(home.absolute())),
            *("--port", str(ports["http"])),
        ],
        env=env,
        is_ready=lambda ports: is_ready(home, ports["http"]),
        start_seconds=60,
        grace_seconds=5,
        scheme="https",
    )


def is_ready(home: Path, port: int) -> bool:
    """Whether the home's own server answers on a port."""
    if not access.kubeconfig_path(home).exists():
        return False
    trusted = ssl.create_default_context(cafile=access.certificate(home)[0])
    connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=_SECONDS, context=trusted)
    try:
        connection.request("GET", "/readyz", headers={"Authorization": f"Bearer {access.token(home)}"})
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):  # nobody listens yet, or somebody else
        return False
    finally:
        connection.close()
