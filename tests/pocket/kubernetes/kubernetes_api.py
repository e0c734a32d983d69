"""The API as its users have it: a process of its own, asked over HTTPS by whatever client."""

from __future__ import annotations

import http.client
import json
import os
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pocket import service, state
from pocket.kubernetes import access
from pocket.kubernetes.service import NAME
from pocket.kubernetes.service import service as kubernetes_service
from pocket.progress import silent
from pocket.state import Record

MERGE = "application/merge-patch+json"
APPLY = "application/apply-patch+yaml"
JSON_PATCH = "application/json-patch+json"
ISVC = "/apis/serving.kserve.io/v1beta1/namespaces/default/inferenceservices"
CONFIG = "/api/v1/namespaces/default/configmaps"


@dataclass(frozen=True)
class Api:
    """A running server of a home."""

    home: Path
    record: Record

    def call(
        self, method: str, path: str, body: object = None, form: str = "application/json", **headers: str
    ) -> tuple[int, dict[str, Any]]:
        """Status code and JSON answer; a body of bytes is sent as it is."""
        raw = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        connection = self.connection()
        sent = {"Authorization": f"Bearer {access.token(self.home)}", "Content-Type": form, **headers}
        connection.request(method, path, raw, sent)
        response = connection.getresponse()
        answer = json.loads(response.read())
        connection.close()
        return response.status, answer

    def connection(self) -> http.client.HTTPSConnection:
        """A connection that trusts the home's certificate only."""
        trusted = ssl.create_default_context(cafile=access.certificate(self.home)[0])
        return http.client.HTTPSConnection("127.0.0.1", self.record.ports["http"], timeout=20, context=trusted)

    def kubectl(self, *arguments: str, text: str | None = None) -> str:
        """Output of a kubectl that succeeds."""
        done = self.try_kubectl(*arguments, text=text)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def try_kubectl(self, *arguments: str, text: str | None = None) -> subprocess.CompletedProcess[str]:
        """What kubectl did, whether it succeeded or not."""
        command = [self.program, *arguments]
        return subprocess.run(
            command, env=self.env, input=text, capture_output=True, text=True, check=False, timeout=60
        )

    @property
    def program(self) -> str:
        """The kubectl of this environment."""
        return str(Path(sys.executable).with_name("kubectl"))

    @property
    def env(self) -> dict[str, str]:
        """With the home's kubeconfig, and a home of kubectl's own for its cache."""
        return {**os.environ, "KUBECONFIG": str(access.kubeconfig_path(self.home)), "HOME": str(self.home / "user")}


@contextmanager
def running(home: Path) -> Iterator[Api]:
    """A server, stopped afterwards."""
    try:
        yield start(home)
    finally:
        if record := state.read(home, NAME):  # the last one, should the test have started another
            service.halt(home, record)


def start(home: Path) -> Api:
    """A server of a home, ready."""
    begun = service.ensure(home, kubernetes_service(home, os.environ), silent)
    return Api(home, service.settle(home, begun, silent))


def isvc(name: str, **predictor: object) -> dict[str, Any]:
    """An InferenceService."""
    model = {"modelFormat": {"name": "sklearn"}, "storageUri": "s3://models/one/"}
    head = {"apiVersion": "serving.kserve.io/v1beta1", "kind": "InferenceService", "metadata": {"name": name}}
    return {**head, "spec": {"predictor": {"model": model, **predictor}}}


def config(name: str, **data: str) -> dict[str, Any]:
    """A ConfigMap."""
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}
