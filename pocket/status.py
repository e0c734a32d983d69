"""How every server is: what runs here, and what the user keeps elsewhere."""

from __future__ import annotations

import http.client
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

import psutil

from pocket import loop_servers, mlflow_server, process, s3, service, state
from pocket.controllers import service as controllers
from pocket.controllers.revision import RECORDS
from pocket.environment import NAMESPACE, laid_under, users_own
from pocket.service import Service
from pocket.state import Record

State = Literal["running", "not answering", "stopped", "external", "external, no answer"]
_FINE: tuple[State, ...] = ("running", "external")
_TIMEOUT_SECONDS = 5


@dataclass(frozen=True)
class Status:
    """One server at one moment."""

    service: str
    state: State
    address: str | None = None
    pid: int | None = None
    memory_bytes: int | None = None
    """Resident set of all its processes."""
    uptime_seconds: float | None = None
    log: str | None = None

    @property
    def is_fine(self) -> bool:
        """Whether a user need not look after it."""
        return self.state in _FINE


def status(home: Path, env: Mapping[str, str]) -> list[Status]:
    """S3 and MLflow, and the loop's servers once they have been up. Starts and changes nothing."""
    env, full = users_own(home, env), laid_under(home, env)
    loop = [_one(home, None, wanted.name, wanted) for wanted in loop_servers.known(home, full)]
    loop += [_started(home, name) for name in controllers.running(home) if name != controllers.NAME]
    return [
        _one(home, env.get("AWS_ENDPOINT_URL_S3"), s3.NAME, s3.service(home, full)),
        _one(home, env.get("MLFLOW_TRACKING_URI"), mlflow_server.NAME, mlflow_server.service(home, full)),
        *loop,
    ]


def _one(home: Path, users: str | None, name: str, wanted: Service) -> Status:
    if users:
        return Status(name, "external" if _answers(users) else "external, no answer", users)
    record = state.read(home, name)
    return _recorded(home, name, record, lambda found: service.answers(wanted, found))


def _started(home: Path, name: str) -> Status:
    """One that the controllers started: Envoy, or a revision, which is known by its own name."""
    record = state.read(home, name)
    found = _recorded(home, name, record, lambda it: ("127.0.0.1", it.ports["http"]) in process.listeners(it.token))
    return replace(found, service=name.removeprefix(f"{RECORDS}{NAMESPACE}."))


def _recorded(home: Path, name: str, record: Record | None, answers: Callable[[Record], bool]) -> Status:
    log = service.log_path(home, name)
    if record is None or not process.is_running(record.pid, record.token):
        return Status(name, "stopped", log=str(log) if log.exists() else None)
    return Status(
        service=name,
        state="running" if answers(record) else "not answering",
        address=record.address,
        pid=record.pid,
        memory_bytes=sum(_resident_bytes(member) for member in process.members(record.token)),
        uptime_seconds=time.time() - record.started,
        log=str(log),
    )


def _resident_bytes(member: psutil.Process) -> int:
    try:
        return int(member.memory_info().rss)
    except psutil.NoSuchProcess:  # it ended meanwhile
        return 0


def _answers(url: str) -> bool:
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.netloc, timeout=_TIMEOUT_SECONDS)
    try:
        connection.request("GET", parts.path or "/")
        return connection.getresponse().status < 500
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
