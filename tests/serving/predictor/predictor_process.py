"""A predictor as its users have it: a process of its own on free loopback ports, and a model folder to serve."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from contracts.model import Feature, ModelCard, sha256_of

START_SECONDS = 90
"""How long a server may take to be ready on a busy machine."""


@dataclass(frozen=True)
class Bundle:
    """A model folder, and what the native library says to some rows."""

    folder: Path
    card: ModelCard
    columns: dict[str, list[Any]]
    """One list a feature, as a client would write it: None is missing."""
    matrix: npt.NDArray[np.float32]
    """The same rows, [rows, features]."""
    expected: npt.NDArray[np.float32]
    """Their probabilities [rows, labels]."""


@dataclass(frozen=True)
class Server:
    """A predictor process."""

    process: subprocess.Popen[bytes]
    url: str
    grpc_address: str
    log: Path

    def post(self, path: str, body: bytes | object, headers: Mapping[str, str] | None = None) -> tuple[int, bytes, Any]:
        """Status, body and headers of a POST, whatever the status."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.send(urllib.request.Request(self.url + path, data, dict(headers or {}), method="POST"))

    def get(self, path: str) -> tuple[int, bytes, Any]:
        """Status, body and headers of a GET, whatever the status."""
        return self.send(urllib.request.Request(self.url + path))

    def send(self, request: urllib.request.Request) -> tuple[int, bytes, Any]:
        """Status, body and headers."""
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, answer.read(), answer.headers
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read(), error.headers

    def end(self) -> int:
        """Ask the process to end; its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=30)


def free_port() -> int:
    """A port that nobody listened on just now."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


def command(*arguments: str | Path) -> list[str]:
    """The command line of a predictor."""
    return [sys.executable, "-m", "serving.predictor", *map(str, arguments)]


@contextmanager
def running(folder: Path, log: Path, *arguments: str | Path, env: Mapping[str, str] | None = None) -> Iterator[Server]:
    """A ready predictor that serves a folder (or, with --model-uri among the arguments, another place)."""
    http, grpc = free_port(), free_port()
    place: list[str | Path] = [] if "--model-uri" in arguments else ["--model-dir", folder]
    line = command("--name", "flights", *place, "--http-port", str(http), "--grpc-port", str(grpc), *arguments)
    with (
        log.open("wb") as sink,
        subprocess.Popen(line, stdout=sink, stderr=sink, env=dict(env or os.environ)) as process,
    ):
        server = Server(process, f"http://127.0.0.1:{http}", f"127.0.0.1:{grpc}", log)
        try:
            await_ready(server)
            yield server
        finally:
            if process.poll() is None:
                server.end()


def await_ready(server: Server) -> None:
    """Poll the readiness endpoint until it says yes; fail with the log if the process ends or takes too long."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and server.process.poll() is None:
        try:
            if server.get("/v2/models/flights/ready")[0] == 200:
                return
        except OSError:
            pass  # not listening yet
        time.sleep(0.05)
    pytest.fail(f"the predictor did not become ready:\n{server.log.read_text()}")


def write_card(
    folder: Path, format_: Any, model_file: str, features: tuple[Feature, ...], labels: tuple[str, ...]
) -> ModelCard:
    """Put a card with the right digests into a model folder."""
    files = {model_file: sha256_of(folder / model_file)}
    card = ModelCard(
        loop="flights",
        kind="test",
        format=format_,
        model_file=model_file,
        features=features,
        labels=labels,
        files=files,
    )
    card.write(folder)
    return card


def assert_refused(answer: tuple[int, bytes, Any], status: int, message: str) -> None:
    """The status, and one short JSON error with the message in it."""
    found, body, headers = answer
    error = json.loads(body)
    assert found == status, error
    assert message in error["error"]
    assert list(error) == ["error"]
    assert len(body) < 1000  # a long value is shown shortened
    assert headers["content-type"] == "application/json"
