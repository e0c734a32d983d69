"""What the tests of the event log share: a place of their own on the real S3 server, events, and the real process."""

from __future__ import annotations

import os
import signal
import socket
import socketserver
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import uvicorn

from contracts.cloudevent import CloudEvent, decode
from contracts.eventlog import EventLog
from contracts.events import Label, Payload, Window, from_event, to_event
from contracts.objects import ObjectStore
from contracts.pointer import ModelPointer
from contracts.settings import Settings
from serving.eventlog.app import build

START = datetime(2013, 3, 1, tzinfo=UTC)
WINDOW_ROWS = 50
"""The fewest that a loop may ask for."""
TOML = f"""
[data]
source = "trips"
[train.space.logistic_regression]
C = [1.0]
[drift]
window_rows = {WINDOW_ROWS}
min_labelled_share = 0.8
"""


def wait_until(happened: Callable[[], object]) -> None:
    """Poll a condition; the test's own time limit ends a wait in vain."""
    while not happened():
        time.sleep(0.02)


@dataclass(frozen=True)
class Place:
    """A bucket and a loop of the test's own, with a registered version 1."""

    settings: Settings
    loop: str = "trips"

    @property
    def store(self) -> ObjectStore:
        """The real server."""
        return ObjectStore(self.settings)

    @property
    def log(self) -> EventLog:
        """What everybody else reads."""
        return EventLog(self.store, self.settings.data_bucket, self.loop)

    def register(self, version: str = "1") -> None:
        """Write a pointer."""
        digest = "0" * 64
        ModelPointer(
            loop=self.loop,
            version=version,
            model_uri=f"s3://models/{version}",
            card_sha256=digest,
            model_sha256=digest,
            holdout_roc_auc=0.7,
        ).write(self.store, self.settings.data_bucket)


def placed(settings: Settings, folder: Path, bucket: str) -> Place:
    """A new place."""
    (folder / "loops").mkdir()
    (folder / "loops" / "trips.toml").write_text(TOML)
    place = Place(replace(settings, data_bucket=bucket, loops=folder / "loops"))
    place.store.ensure_bucket(bucket)
    place.register()
    return place


def payload(ids: Sequence[str], version: str = "1", errors: Sequence[int] = (), **more: Any) -> Payload:
    """Rows answered a second apart; those at the places `errors` got an error."""
    rows = range(len(ids))
    fields: dict[str, Any] = {
        "loop": "trips",
        "model_version": version,
        "revision": "trips-00001",
        "row_ids": tuple(ids),
        "timestamps": tuple(START + timedelta(seconds=_number(row_id)) for row_id in ids),
        "columns": {"distance": tuple(float(row) for row in rows), "carrier": ("UA",) * len(ids)},
        "scores": {
            name: tuple(None if row in errors else score for row in rows)
            for name, score in (("on", 0.75), ("late", 0.25))
        },
        "seconds": (0.01,) * len(ids),
        "errors": tuple("no" if row in errors else None for row in rows),
    }
    return Payload(**{**fields, **more})


def labels(ids: Sequence[str], label: str = "late", at: datetime = START + timedelta(days=1)) -> Label:
    """One label for all."""
    return Label(loop="trips", row_ids=tuple(ids), labels=(label,) * len(ids), event_times=(at,) * len(ids))


def numbered(start: int, stop: int) -> list[str]:
    """Row ids."""
    return [f"row-{number:05d}" for number in range(start, stop)]


def _number(row_id: str) -> int:
    return int(row_id.rpartition("-")[2])


class Sink:
    """An HTTP server in the Broker's place that keeps the window events it accepts."""

    def __init__(self) -> None:
        self.events: list[CloudEvent] = []
        self.refusing = False
        sink = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                event = decode({name.lower(): value for name, value in self.headers.items()}, body)
                if not sink.refusing:
                    sink.events.append(event)
                self.send_response(503 if sink.refusing else 202)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Nothing: the test tells."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/"
        threading.Thread(target=self.server.serve_forever, args=(0.05,)).start()

    @property
    def windows(self) -> list[Window]:
        """Each once, in the order of their coming: a repeated event has the same id."""
        found = {event["id"]: from_event(event) for event in self.events}
        return [data for data in found.values() if isinstance(data, Window)]

    def close(self) -> None:
        """Stop listening."""
        self.server.shutdown()
        self.server.server_close()


class Client:
    """Sends requests to an event log."""

    port: int

    def post(self, event: CloudEvent, path: str = "/") -> tuple[int, str]:
        """Status and words of the answer. OSError if there is none."""
        headers, body = event.to_binary()
        return self.request(urllib.request.Request(self._url(path), body, headers, method="POST"))

    def send(self, *data: Payload | Label, seconds: float = 60) -> None:
        """Send events, each again and again until it is accepted, as a Broker does."""
        for each in data:
            deadline = time.monotonic() + seconds
            while not self._accepts(to_event(each, "/test")):
                assert time.monotonic() < deadline
                time.sleep(0.02)

    def get(self, path: str) -> tuple[int, str]:
        """Status and body."""
        return self.request(urllib.request.Request(self._url(path)))

    def counted(self, name: str, label: str = "") -> float:
        """One of the counters."""
        lines = [line for line in self.get("/metrics")[1].splitlines() if line.startswith(f"driftloop_eventlog_{name}")]
        (line,) = [line for line in lines if label in line]
        return float(line.rpartition(" ")[2])

    def request(self, request: urllib.request.Request) -> tuple[int, str]:
        """Status and body of the answer, whatever it is."""
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def await_status(self, path: str, wanted: int) -> None:
        """Return when a path answers so."""
        wait_until(lambda: self._told_status(path) == wanted)

    def _accepts(self, event: CloudEvent) -> bool:
        try:
            status, words = self.post(event)
        except OSError:
            return False
        assert status in (202, 503), words
        return status == 202

    def _told_status(self, path: str) -> int:
        try:
            return self.get(path)[0]
        except OSError:
            return 0

    def _url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"


class Here(Client):
    """The service in a thread of the test's process: as real, but sooner there."""

    def __init__(self, place: Place, sink: Sink | None) -> None:
        settings = replace(place.settings, sink=sink.url if sink else None)
        config = uvicorn.Config(build(settings), port=0, lifespan="on", ws="none", log_config=None)
        self.server = uvicorn.Server(config)
        self.thread = threading.Thread(target=self.server.run)
        self.thread.start()
        wait_until(lambda: self.server.started)
        self.port = self.server.servers[0].sockets[0].getsockname()[1]

    def end(self) -> None:
        """Answer what is under way, and end."""
        self.server.should_exit = True
        self.thread.join()


@contextmanager
def serving(place: Place, sink: Sink | None) -> Iterator[Here]:
    """The service here, ready, for a while."""
    here = Here(place, sink)
    try:
        here.await_status("/readyz", 200)
        yield here
    finally:
        here.end()


@dataclass
class Process(Client):
    """`python -m serving.eventlog`, which may be killed and started again on the same port."""

    env: dict[str, str]
    log: Path
    port: int
    process: subprocess.Popen[bytes] = field(init=False)

    def start(self) -> None:
        """Start; return when it is ready."""
        with self.log.open("ab") as sink:
            command = [sys.executable, "-m", "serving.eventlog"]
            self.process = subprocess.Popen(command, env=self.env, stdout=sink, stderr=sink)
        wait_until(lambda: self.process.poll() is not None or self._told_status("/readyz") == 200)
        assert self.process.poll() is None, self.log.read_text()

    def kill(self) -> None:
        """SIGKILL."""
        self.process.kill()
        self.process.wait()

    def end(self) -> int:
        """Ask it to end; its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30)


@contextmanager
def running(place: Place, sink: Sink | None, folder: Path) -> Iterator[Process]:
    """A process that is ready, for a while."""
    process = Process(environment(place, sink), folder / "eventlog.log", free_port())
    process.env["PORT"] = str(process.port)
    process.start()
    try:
        yield process
    finally:
        if process.process.poll() is None:
            assert process.end() == -signal.SIGTERM, process.log.read_text()
    assert "Traceback" not in process.log.read_text()


def environment(place: Place, sink: Sink | None) -> dict[str, str]:
    """What the settings are made of."""
    settings = place.settings
    told = {"K_SINK": sink.url} if sink else {}
    return {
        **os.environ,
        "AWS_ENDPOINT_URL_S3": settings.s3_endpoint,
        "AWS_ACCESS_KEY_ID": settings.s3_access_key,
        "AWS_SECRET_ACCESS_KEY": settings.s3_secret_key,
        "DRIFTLOOP_DATA_BUCKET": settings.data_bucket,
        "DRIFTLOOP_LOOPS": str(settings.loops),
        **told,
    }


def free_port() -> int:
    """A port that nobody listened on just now."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


class Gate:
    """A way to the S3 server that can be shut."""

    def __init__(self, endpoint: str) -> None:
        host, _, port = endpoint.rpartition("//")[2].partition(":")
        self.target = host, int(port)
        self.open = True
        gate = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                if not gate.open:
                    return
                with socket.create_connection(gate.target) as beyond:
                    back = threading.Thread(target=gate.carry, args=(beyond, self.request))
                    back.start()
                    gate.carry(self.request, beyond)
                    back.join()

        class Server(socketserver.ThreadingTCPServer):
            daemon_threads = True

        self.server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, args=(0.05,)).start()

    def carry(self, source: socket.socket, target: socket.socket) -> None:
        """Pass bytes on until an end, or until the gate is shut."""
        source.settimeout(0.05)
        with suppress(OSError):
            while self.open:
                try:
                    part = source.recv(65536)
                except TimeoutError:
                    continue
                if not part:
                    break
                target.sendall(part)
        for end in (source, target):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Stop listening."""
        self.open = False
        self.server.shutdown()
        self.server.server_close()
