"""One server's life: launch it, wait until it answers, know whether it still does, halt it."""

from __future__ import annotations

import http.client
import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from contracts.errors import DriftloopError, UnavailableError, from_line
from pocket import ports, process, state
from pocket.state import Record

POLL_SECONDS = 0.05
ATTEMPTS = 3
LOG_LINES = 12

Progress = Callable[[str, str], None]
"""Told a service's name and what becomes of it, in a word or two."""


@dataclass(frozen=True)
class Service:
    """What pocket must know to run one server on 127.0.0.1."""

    name: str
    usual_ports: Mapping[str, int]
    """Port by name; `http` is the one its address is made of."""
    command: Callable[[Mapping[str, int]], Sequence[str]]
    """The command line for the ports it got."""
    env: Mapping[str, str]
    ready_paths: Mapping[str, frozenset[int]]
    """Path → HTTP statuses that mean ready."""
    start_seconds: float
    detail: Mapping[str, str] = field(default_factory=dict)
    grpc_offset: int = 0
    """Also listens on each of its ports plus this."""


def ensure(home: Path, service: Service, on_progress: Progress) -> tuple[Record, bool]:
    """A launched, perhaps not yet ready server; whether this call launched it."""
    record = state.read(home, service.name)
    if record and process.is_running(record.pid, record.token) and record.detail == service.detail:
        return record, False
    if record:
        halt(home, record)
    return launch(home, service, on_progress), True


def launch(home: Path, service: Service, on_progress: Progress) -> Record:
    """Start a server on free ports, those of its last life where it can."""
    on_progress(service.name, "starting")
    last = state.read(home, service.name)
    chosen = ports.choose(service.usual_ports, last.ports if last else {}, service.grpc_offset)
    token = process.new_token()
    record = Record(service.name, token, 0, time.time(), chosen, dict(service.detail))
    state.write(home, record)  # before the process: if this command dies now, its token still finds what it spawned
    folder, log = home / service.name, log_path(home, service.name)
    state.private_folder(folder)
    state.private_folder(log.parent)
    pid = process.spawn(service.command(chosen), service.env, token, folder, log)
    record = Record(service.name, token, pid, record.started, chosen, record.detail)
    state.write(home, record)
    return record


def settle(home: Path, service: Service, record: Record, on_progress: Progress) -> Record:
    """Wait until a launched server answers. UnavailableError, or the error its log carries, if it never does.

    A server that ended because another took one of its ports meanwhile is launched again on other ports.
    """
    for attempt in range(1, ATTEMPTS + 1):
        if _answers_in_time(service, record):
            on_progress(service.name, f"ready at {record.address}")
            return record
        ended = not process.is_running(record.pid, record.token)
        halt(home, record)
        if attempt == ATTEMPTS or not ended or ports.are_free(record.ports):
            break
        record = launch(home, service, on_progress)
    raise _explain(home, service, ended)


def answers(service: Service, record: Record) -> bool:
    """Whether the recorded process itself, and not a stranger on its port, answers as a ready server does."""
    port = record.ports["http"]
    if not all(_status(port, path) in statuses for path, statuses in service.ready_paths.items()):
        return False
    return ("127.0.0.1", port) in process.listeners(record.token)


def halt(home: Path, record: Record) -> None:
    """Stop every process of a record and remember that it is stopped."""
    process.stop(record.token)
    state.write(home, record.stopped())


def log_path(home: Path, name: str) -> Path:
    """Where a service's output goes; the output of its life before stands beside it, ending in `.1`."""
    return home / "logs" / f"{name}.log"


def local_env(env: Mapping[str, str], **values: str) -> dict[str, str]:
    """An environment for a server: the given one with values laid over it."""
    return {**env, **values}


def _answers_in_time(service: Service, record: Record) -> bool:
    deadline = time.monotonic() + service.start_seconds
    while process.is_running(record.pid, record.token):
        if answers(service, record):
            return True
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_SECONDS)
    return False


def _status(port: int, path: str) -> int | None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)  # no proxy stands before loopback
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):  # nobody listens yet, or not HTTP
        return None
    finally:
        connection.close()


def _explain(home: Path, service: Service, ended: bool) -> DriftloopError:
    log = log_path(home, service.name)
    lines = log.read_text(errors="replace").splitlines()
    for error in filter(None, map(from_line, reversed(lines))):
        return error
    happened = "ended at once" if ended else f"did not answer within {service.start_seconds:g} s"
    return UnavailableError(f"{service.name} {happened}. Its log ends:\n{_tail(lines)}", f"The whole log: {log}")


def _tail(lines: Iterable[str]) -> str:
    return os.linesep.join(f"  {line}" for line in [line for line in lines if line.strip()][-LOG_LINES:])
