"""The laptop's Kubernetes API inside the test, where it holds an account to its rights and tells which were used."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvicorn

from components.cluster import custom_objects
from pocket.kubernetes.objects import Objects
from pocket.kubernetes.rights import Rights
from pocket.kubernetes.server import application
from pocket.kubernetes.store import Store
from tests.manifests.renderings import Json

NAMESPACE = "driftloop"
OWNER, ACCOUNT = "o" * 32, "a" * 32
"""Tokens."""


@contextmanager
def serving(folder: Path, objects: list[Json], account: str) -> Iterator[Rights]:
    """A server, and in the folder the kubeconfigs of its owner and of an account with the Roles among the objects."""
    rights, listener = Rights.of({ACCOUNT: account}, objects), socket.create_server(("127.0.0.1", 0))
    server = Server(folder, rights, listener)
    server.start()
    try:
        for name, token in (("owner", OWNER), ("account", ACCOUNT)):
            _write_kubeconfig(folder / f"{name}.json", listener.getsockname()[1], token)
        _make_namespace(client(folder, "owner").api_client)
        yield rights
    finally:
        server.stop()
        listener.close()


def client(folder: Path, name: str) -> Any:
    """A client of custom resources."""
    return custom_objects({"KUBECONFIG": str(folder / f"{name}.json")})


class Server(threading.Thread):
    """Answers on a socket; requests wait in it until it has begun."""

    def __init__(self, folder: Path, rights: Rights, listener: socket.socket) -> None:
        super().__init__()
        self.folder, self.rights, self.listener = folder, rights, listener
        self.begun = threading.Event()
        self.server: uvicorn.Server | None = None

    def run(self) -> None:
        """Serve until told to stop. The store belongs to the thread that opens it."""
        try:
            store = Store(self.folder / "objects.db")
            answer = application(Objects(store), OWNER, self.rights)
            self.server = uvicorn.Server(uvicorn.Config(answer, log_level="error", lifespan="off"))
        finally:
            self.begun.set()
        self.server.run([self.listener])
        store.close()

    def stop(self) -> None:
        """End it."""
        self.begun.wait()
        if self.server:
            self.server.should_exit = True
        self.join()


def _make_namespace(api: Any) -> None:
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}
    form = {"Content-Type": "application/json"}
    api.call_api("/api/v1/namespaces", "POST", header_params=form, body=body, auth_settings=["BearerToken"])


def _write_kubeconfig(path: Path, port: int, token: str) -> None:
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "a", "cluster": {"server": f"http://127.0.0.1:{port}"}}],
        "users": [{"name": "a", "user": {"token": token}}],
        "contexts": [{"name": "a", "context": {"cluster": "a", "user": "a"}}],
        "current-context": "a",
    }
    path.write_text(json.dumps(config))
