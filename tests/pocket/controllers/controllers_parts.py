"""What the tests of the controllers share: a home with the API and the controllers, and a small server to run."""

from __future__ import annotations

import json
import os
import signal
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pocket import process, service, state
from pocket.controllers.client import Client, RefusedByApiError
from pocket.controllers.service import NAME, halt_all
from pocket.controllers.service import service as controllers_service
from pocket.kubernetes.kinds import KINDS
from pocket.kubernetes.service import NAME as KUBERNETES
from pocket.kubernetes.service import service as kubernetes_service
from pocket.progress import silent
from pocket.state import Record

Json = dict[str, Any]
IMAGE = "ghcr.io/driftloop/driftloop:0.1.0"
KIND = {kind.name: kind for kind in KINDS}
STAND_IN = """
import http.server, json, os, sys, time
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    def do_GET(self):
        if self.path.startswith("/slow"):
            time.sleep(1)
        down = self.path == "/ready" and os.path.exists(os.environ.get("UNREADY", "/nowhere"))
        down = down or self.path == "/live" and os.path.exists(os.environ.get("DEAD", "/nowhere"))
        whole = {} if self.path == "/short" else {"argv": sys.argv[1:], "env": dict(os.environ)}
        body = json.dumps(whole).encode()
        self.send_response(503 if down else 200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        with open(os.environ["EVENTS"], "a") as file:
            file.write(f"{self.headers['ce-id']} {self.path}\\n")
        self.do_GET()
    def log_message(self, *_):
        pass
if os.environ.get("BROKEN"):
    sys.exit("this model cannot be loaded")
class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 128
Server(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"""
"""Answers with its command line and its environment. BROKEN: ends at once. UNREADY, DEAD: files that say so.
EVENTS: a file to which the ids and paths of what is posted are added."""


@dataclass(frozen=True)
class Home:
    """A home in which the API and the controllers run."""

    path: Path
    env: Mapping[str, str]

    def client(self) -> Client:
        """Of the API."""
        return Client(self.path)

    def call(self, method: str, path: str, body: object = None, form: str = "application/json") -> Json:
        """One request to the API that succeeds."""
        return self.client()._call(method, path, body, form)

    def apply(self, obj: Json) -> Json:
        """Server-side apply; what is no longer said goes."""
        path = f"{KIND[obj['kind']].path('default')}/{obj['metadata']['name']}?fieldManager=test&force=true"
        return self.call("PATCH", path, obj, "application/apply-patch+yaml")

    def get(self, kind: str, name: str) -> Json:
        """An object."""
        return self.call("GET", f"{KIND[kind].path('default')}/{name}")

    def find(self, kind: str, name: str) -> Json | None:
        """An object, or None."""
        try:
            return self.get(kind, name)
        except RefusedByApiError:
            return None

    def delete(self, kind: str, name: str) -> None:
        """Delete an object."""
        self.call("DELETE", f"{KIND[kind].path('default')}/{name}")

    def await_status(self, kind: str, name: str, holds: Callable[[Json], object]) -> Json:
        """The status of an object, of its last change, once it is as wanted."""
        found: Json = {}

        def is_so() -> object:
            obj = self.get(kind, name)
            found.clear()
            found.update(obj.get("status") or {})
            return found.get("observedGeneration") == obj["metadata"]["generation"] and holds(found)

        wait_until(is_so, lambda: f"{json.dumps(found, indent=1)}\n{self.logs()}")
        return dict(found)

    def await_ready(self, kind: str, name: str) -> Json:
        """The status of an object that is ready."""
        return self.await_status(kind, name, lambda status: word(status, "Ready") == "True")

    def logs(self) -> str:
        """What the controllers told last."""
        return "\n".join(service.log_path(self.path, NAME).read_text().splitlines()[-30:])

    def record(self, name: str) -> Record:
        """A record."""
        found = state.read(self.path, name)
        assert found is not None, name
        return found

    def runs(self, revision: str) -> bool:
        """Whether a revision of the namespace default has a process."""
        found = state.read(self.path, f"revision.default.{revision}")
        return found is not None and process.is_running(found.pid, found.token)

    def kill(self, name: str) -> Record:
        """Kill the process of a record; the record as it was."""
        found = self.record(name)
        os.kill(found.pid, signal.SIGKILL)
        return found

    def start_controllers(self) -> None:
        """Start the controllers, or go on with those that run, and wait until they are ready."""
        service.settle(self.path, service.ensure(self.path, controllers_service(self.path, self.env), silent), silent)


@contextmanager
def running(home: Path, env: Mapping[str, str]) -> Iterator[Home]:
    """A home with the API and the controllers; nothing runs afterwards."""
    found = Home(home, env)
    try:
        service.settle(home, service.ensure(home, kubernetes_service(home, env), silent), silent)
        found.start_controllers()
        yield found
    finally:
        halt_all(home)
        if record := state.read(home, KUBERNETES):
            service.halt(home, record)
        left = [path.stem for path in (home / "state").glob("*.json") if found.record(path.stem).token]
        assert left == []


def wait_until(happened: Callable[[], object], told: Callable[[], str] = lambda: "", seconds: float = 60) -> None:
    """Poll a condition."""
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline, told()
        time.sleep(0.02)


def word(status: Json, kind: str) -> str:
    """The status of a condition."""
    return next((str(one["status"]) for one in status.get("conditions", []) if one["type"] == kind), "absent")


def condition(status: Json, kind: str) -> Json:
    """A condition."""
    return next(one for one in status["conditions"] if one["type"] == kind)


def stand_in(tmp_path: Path) -> Path:
    """The small server's program."""
    path = tmp_path / "stand_in.py"
    path.write_text(STAND_IN)
    return path


def runtime(program: Path, name: str = "small", **container: object) -> Json:
    """A ServingRuntime of the small server."""
    main = {
        "name": "kserve-container",
        "image": IMAGE,
        "command": ["python", str(program)],
        "args": ["--model_name={{.Name}}", "--model_dir=/mnt/models"],
        "ports": [{"containerPort": 8080}],
        "readinessProbe": {"httpGet": {"path": "/ready", "port": 8080}, "periodSeconds": 1},
        **container,
    }
    formats = [{"name": "small", "version": "1", "autoSelect": True}]
    head = {"apiVersion": "serving.kserve.io/v1alpha1", "kind": "ServingRuntime", "metadata": {"name": name}}
    return {**head, "spec": {"supportedModelFormats": formats, "containers": [main]}}


def isvc(name: str, model: str, percent: int | None = None, annotations: Json | None = None, **env: str) -> Json:
    """An InferenceService on the small server; `model` stands in its environment."""
    entries = [{"name": key, "value": value} for key, value in {"MODEL": model, "BROKEN": "", **env}.items()]
    spec: Json = {"model": {"modelFormat": {"name": "small"}, "runtime": "small", "env": entries}}
    if percent is not None:
        spec["canaryTrafficPercent"] = percent
    head = {"apiVersion": "serving.kserve.io/v1beta1", "kind": "InferenceService"}
    metadata = {"name": name, **({"annotations": annotations} if annotations else {})}
    return {**head, "metadata": metadata, "spec": {"predictor": spec}}


def knative(name: str, program: Path, **container: object) -> Json:
    """A Knative Service of the small server."""
    main = {"image": IMAGE, "command": ["python3", str(program)], **container}
    head = {"apiVersion": "serving.knative.dev/v1", "kind": "Service", "metadata": {"name": name}}
    return {**head, "spec": {"template": {"spec": {"containers": [main]}}}}


def fetch(url: str, path: str = "/") -> tuple[int, Json, str]:
    """Status, JSON answer and the revision that gave it."""
    try:
        with urllib.request.urlopen(url + path, timeout=40) as answer:
            return answer.status, json.load(answer), answer.headers["x-driftloop-revision"]
    except urllib.error.HTTPError as error:
        with error:
            return error.code, {}, error.headers.get("x-driftloop-revision", "")


def shares(url: str, requests: int = 200) -> Counter[str]:
    """How many of some requests each model answered."""
    return Counter(fetch(url)[1]["env"]["MODEL"] for _ in range(requests))
