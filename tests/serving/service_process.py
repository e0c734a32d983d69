"""A service that consumes events, as the process it is on a cluster."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from contracts.cloudevent import CloudEvent
from contracts.settings import Settings


@dataclass
class ServiceProcess:
    """One life of a service."""

    url: str
    process: subprocess.Popen[bytes]
    log: Path

    def post(self, event: CloudEvent) -> httpx.Response:
        """What it answers to an event."""
        headers, body = event.to_binary()
        return httpx.post(f"{self.url}/", headers=headers, content=body, timeout=60)

    def kill(self) -> None:
        """SIGKILL."""
        self.process.kill()
        self.process.wait(10)

    def wait_until_it_answers(self) -> None:
        """Until GET /healthz is answered; fails with its log if it ends before."""
        deadline = time.monotonic() + 60
        with httpx.Client(base_url=self.url) as client:  # making one takes longer than asking
            while True:
                assert self.process.poll() is None, self.log.read_text()
                try:
                    if client.get("/healthz").status_code == 200:
                        return
                except httpx.TransportError:
                    assert time.monotonic() < deadline, self.log.read_text()
                time.sleep(0.05)


def environment(settings: Settings, **more: str) -> dict[str, str]:
    """A process' environment with these settings."""
    return {
        **os.environ,
        "AWS_ENDPOINT_URL_S3": settings.s3_endpoint,
        "AWS_ACCESS_KEY_ID": settings.s3_access_key,
        "AWS_SECRET_ACCESS_KEY": settings.s3_secret_key,
        "DRIFTLOOP_DATA_BUCKET": settings.data_bucket,
        "PYTHONDONTWRITEBYTECODE": "1",
        **more,
    }


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return int(held.getsockname()[1])


@contextmanager
def serving(
    module: str, env: Mapping[str, str], folder: Path, python: str = sys.executable, port: int = 0
) -> Iterator[ServiceProcess]:
    """`python -m <module>` for a while; it must end well on SIGTERM unless the test has killed it."""
    port = port or free_port()
    log = folder / f"{module}-{port}-{time.monotonic_ns()}.log"
    with log.open("wb") as output:
        command = [python, "-m", module]
        process = subprocess.Popen(command, env={**env, "PORT": str(port)}, stderr=output, stdout=output)
    service = ServiceProcess(f"http://127.0.0.1:{port}", process, log)
    try:
        service.wait_until_it_answers()
        yield service
    finally:
        killed = process.poll() == -signal.SIGKILL
        process.terminate()
        try:
            code = process.wait(30)
        except subprocess.TimeoutExpired:
            service.kill()
            raise
    assert killed or code in (0, -signal.SIGTERM), log.read_text()
