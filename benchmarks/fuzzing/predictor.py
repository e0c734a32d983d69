"""The predictor under test: a process of its own, with payload logging into a sink that takes everything."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import psutil

from fuzzing.model import MAX_BODY_BYTES, MAX_ROWS, NAME, VERSION

_START_SECONDS = 90


@dataclass(frozen=True)
class Predictor:
    """A process that serves."""

    process: psutil.Popen
    http: int
    grpc: int
    log: Path

    @property
    def resident_bytes(self) -> int:
        """Memory it has at this moment."""
        return int(self.process.memory_info().rss)

    @property
    def lives(self) -> bool:
        """Whether it has not ended."""
        return self.process.poll() is None


class _Taker(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(202)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def running(folder: Path) -> Iterator[Predictor]:
    """A ready predictor of the model in a folder, where its log and spool are, too."""
    http, grpc, log = _free_port(), _free_port(), folder / "predictor.log"
    options = {"name": NAME, "model-dir": folder, "model-version": VERSION, "http-port": http, "grpc-port": grpc}
    options |= {"max-rows": MAX_ROWS, "max-body-bytes": MAX_BODY_BYTES}
    line = [sys.executable, "-m", "serving.predictor", *(f"--{key}={value}" for key, value in options.items())]
    with _sink() as address, log.open("wb") as told:
        env = {**os.environ, "K_SINK": address, "DRIFTLOOP_SPOOL": str(folder / "spool")}
        process = psutil.Popen(line, env=env, stdout=told, stderr=subprocess.STDOUT)
        try:
            _await(http, process)
            yield Predictor(process, http, grpc, log)
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait(60)


@contextmanager
def _sink() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Taker)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def _await(port: int, process: psutil.Popen) -> None:
    until = time.monotonic() + _START_SECONDS
    while time.monotonic() < until and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
            return
        except OSError:
            time.sleep(0.05)
    raise SystemExit("The predictor does not come up; its log says why.")


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])
