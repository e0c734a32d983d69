"""The serving half, really run, with a small service of its own: up, killed, moved, side by side, down."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest

from contracts.errors import UnavailableError
from pocket import loop_servers, manifests, ports, probe, process, readiness, services, state
from pocket.controllers import service as controllers
from pocket.progress import Step, silent
from pocket.state import Record
from pocket.status import status

OBJECTS = """
apiVersion: serving.knative.dev/v1
kind: Service
metadata: {{name: echo, namespace: driftloop}}
spec:
  template:
    spec:
      containers:
        - image: {image}
          command: [python, -m, http.server]
          args: [$(PORT), --bind, $(DRIFTLOOP_HOST)]
          envFrom:
            - configMapRef: {{name: driftloop-settings}}
            - secretRef: {{name: driftloop-s3}}
          readinessProbe: {{httpGet: {{path: /}}}}
"""


@dataclass(frozen=True)
class Up:
    """A home whose serving half is up."""

    home: Path
    env: dict[str, str]

    def again(self, told: list[Step] | None = None) -> dict[str, str]:
        """Another `up`; the environment of clients."""
        on_progress = silent if told is None else told.append
        return services.up(self.home, self.env, on_progress, tracking=False, loop=True)

    def record(self, name: str) -> Record:
        """What is remembered now."""
        record = state.read(self.home, name)
        assert record is not None
        return record

    @property
    def echo(self) -> str:
        """Name of the service's newest revision; an older one may be on its way out."""
        return max(name for name in controllers.running(self.home) if name.startswith("revision."))

    def records(self) -> dict[str, Record]:
        """Of every server and service."""
        return {name: self.record(name) for name in ("s3", *loop_servers.NAMES, "envoy", self.echo)}


@pytest.fixture(scope="module")
def overlay(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """One small service in place of the loop's own, which take longer to start."""
    folder = tmp_path_factory.mktemp("overlay")
    (folder / "kustomization.yaml").write_text("resources: [objects.yaml]\n")
    (folder / "objects.yaml").write_text(OBJECTS.format(image="ghcr.io/driftloop/driftloop:0.1.0"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(manifests, "OVERLAY", str(folder))
        yield folder


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, plain_env: dict[str, str], overlay: Path) -> Iterator[Up]:
    """Each test leaves it running."""
    up = Up(tmp_path_factory.mktemp("running") / "home", plain_env)
    try:
        up.again()
        yield up
    finally:
        services.down(up.home, silent)


@pytest.fixture
def other(tmp_path: Path, plain_env: dict[str, str], overlay: Path) -> Iterator[Up]:
    """A home in which nothing runs before and afterwards."""
    up = Up(tmp_path / "home", plain_env)
    yield up
    services.down(up.home, silent)


def test_a_second_up_changes_nothing(running: Up) -> None:
    """The same processes at the same addresses, and nothing started."""
    before, told = running.records(), list[Step]()
    running.again(told)
    assert running.records() == before
    assert "starting" not in [step.what for step in told]


def test_clients_find_every_server(running: Up) -> None:
    """kubectl by KUBECONFIG, the Broker by K_SINK, the pipelines API; and so does the service itself."""
    env = running.again()
    kubectl = [str(Path(sys.executable).with_name("kubectl")), "get", "ksvc", "echo", "-n", "driftloop"]
    found = subprocess.run(kubectl, env={**env, "HOME": str(running.home)}, capture_output=True, text=True, check=True)
    assert "True" in found.stdout
    assert probe.status(urlsplit(env["KF_PIPELINES_ENDPOINT"]).port or 0, "/apis/v2beta1/healthz") == 200
    assert answered(env["K_SINK"]) == 404  # there is no Broker among the small manifests
    inside = psutil.Process(running.record(running.echo).pid).environ()
    for name in ("K_SINK", "AWS_ENDPOINT_URL_S3", "AWS_SECRET_ACCESS_KEY", "KF_PIPELINES_ENDPOINT"):
        assert inside[name] == env[name]


def test_status_tells_of_every_server_and_service(running: Up) -> None:
    """Each has its address, its memory and its log."""
    found = {one.service: one for one in status(running.home, running.env)}
    echo = running.echo.removeprefix("revision.driftloop.")
    assert found.keys() == {"s3", "mlflow", *loop_servers.NAMES, "envoy", echo}
    for name in (*loop_servers.NAMES, "envoy", echo):
        assert found[name].state == "running", name
        assert (found[name].memory_bytes or 0) > 1_000_000
        assert Path(found[name].log or "").exists()
    assert (found["kubernetes"].address or "").startswith("https://")


def test_what_was_killed_comes_back(running: Up) -> None:
    """kill -9 of controllers, Broker and a service: `up` brings them back where they were, the rest is left alone."""
    before = running.records()
    killed = ("controllers", "broker-ingress", running.echo)
    for name in killed:
        os.kill(before[name].pid, signal.SIGKILL)
    running.again()
    after = running.records()
    assert {name for name in after if after[name].pid != before[name].pid} == set(killed)
    assert {name: record.address for name, record in after.items()} == {
        name: record.address for name, record in before.items()
    }


def test_services_are_told_of_a_server_that_moved(running: Up) -> None:
    """With its ports taken since, S3 comes back on others, and what runs has its new address.

    The pipelines API goes on, with whatever it runs: each run finds the servers where they are when it begins.
    """
    record, pipelines = running.record("s3"), running.record("pipelines")
    os.kill(record.pid, signal.SIGKILL)
    while not ports.are_free(record.ports):
        time.sleep(0.01)
    with ExitStack() as taken:
        for port in record.ports.values():
            taken.enter_context(socket.create_server(("127.0.0.1", port)))
        env = running.again()
    assert env["AWS_ENDPOINT_URL_S3"] != record.address
    assert (
        psutil.Process(running.record(running.echo).pid).environ()["AWS_ENDPOINT_URL_S3"] == env["AWS_ENDPOINT_URL_S3"]
    )
    assert running.record("pipelines") == pipelines
    assert "AWS_ENDPOINT_URL_S3" not in psutil.Process(pipelines.pid).environ()


def test_a_service_that_is_not_ready_is_named_with_its_reason(
    running: Up, overlay: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Within a bound; what else runs goes on, and once the manifest is right so does it."""
    right = (overlay / "objects.yaml").read_text()
    (overlay / "objects.yaml").write_text(right.replace("driftloop/driftloop:", "driftloop/unheard-of:"))
    monkeypatch.setattr(readiness, "FAILED_SECONDS", 1.0)
    with pytest.raises(UnavailableError, match=r"echo: .*unheard-of"):
        running.again()
    monkeypatch.undo()
    (overlay / "objects.yaml").write_text(right)
    running.again()


def test_two_homes_live_side_by_side_and_one_goes(running: Up, other: Up) -> None:
    """Another home has other ports; after its `down` nothing of it is left, and the first has not noticed."""
    before = running.records()
    other.again()
    there = other.records()
    assert not listening(before) & listening(there)
    stopped = services.down(other.home, silent)
    assert stopped[0] == "controllers"
    assert set(stopped) == there.keys()
    assert [member for record in there.values() for member in process.members(record.token)] == []
    assert [port for record in there.values() for port in record.ports.values() if listens(port)] == []
    assert running.records() == before
    assert answered(running.again()["K_SINK"]) == 404


def test_if_the_manifests_cannot_be_applied_nothing_is_left_running(other: Up, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error has kubectl's words."""
    monkeypatch.setattr(manifests, "OVERLAY", "manifests/overlays/nowhere")
    with pytest.raises(UnavailableError, match="nowhere"):
        other.again()
    assert services.down(other.home, silent) == []


def answered(url: str) -> int:
    """Status of a POST of an event."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=10)
    head = {"ce-id": "1", "ce-source": "/test", "ce-type": "t", "ce-specversion": "1.0"}
    connection.request("POST", parts.path, b"{}", {**head, "Content-Type": "application/json"})
    code = connection.getresponse().status
    connection.close()
    return code


def listening(records: dict[str, Record]) -> set[int]:
    """Every port that is used; a revision has one for gRPC, whether its program listens there or not."""
    return {port for one in records.values() for name, port in one.ports.items() if name != "grpc"}


def listens(port: int) -> bool:
    """Whether anybody takes connections on a port."""
    with socket.socket() as probing:
        return probing.connect_ex(("127.0.0.1", port)) == 0
