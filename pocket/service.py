"""One server's life: launch it, wait until it answers, know whether it still does, halt it."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import takewhile
from pathlib import Path

from contracts.errors import DriftloopError, UnavailableError, from_line
from pocket import ports, process, state
from pocket.progress import Progress, Step
from pocket.state import Record

POLL_SECONDS = 0.05
ATTEMPTS = 3
LOG_LINES = 12
JITTER_SECONDS = 1.0
RELEASE_SECONDS = 5.0
"""How long a process that has just been killed may hold on to its ports: its threads end one by one."""
_PORT_TAKEN = re.compile(r"address already in use|port \d+ .*is not available|Address in use", re.IGNORECASE)
_GO_REASON = re.compile(r"F\d{4} |panic: ")


@dataclass(frozen=True)
class Service:
    """What pocket must know to run one server on 127.0.0.1."""

    name: str
    usual_ports: Mapping[str, int]
    """Port by name; `http` is the one its address is made of."""
    command: Callable[[Mapping[str, int]], Sequence[str]]
    """Makes what it needs on disk and gives the command line for the ports it got."""
    env: Mapping[str, str]
    is_ready: Callable[[Mapping[str, int]], bool]
    """Asks whoever listens on its ports."""
    start_seconds: float
    detail: Mapping[str, str] = field(default_factory=dict)
    """What a running server must have been started with; one with another detail is restarted."""
    hang_seconds: float = 10
    """One that has not answered for so long is taken to hang."""
    grace_seconds: float = Record.grace_seconds
    suits: Callable[[int], bool] = lambda port: True
    """Whether a free port will do."""
    scheme: str = Record.scheme
    """What it speaks on the port `http`."""


@dataclass(frozen=True)
class Begun:
    """A server that runs, but may not answer yet."""

    service: Service
    record: Record
    launched: bool
    """Whether by this command."""


def ensure(home: Path, service: Service, on_progress: Progress) -> Begun:
    """The server that runs already, else one launched now."""
    record = state.read(home, service.name)
    if record and record.detail == service.detail and _lives(service, record):
        return Begun(service, record, launched=False)
    if record:
        halt(home, record)  # also what a killed server may have left behind
        if record.token:
            ports.wait_until_free(record.ports, RELEASE_SECONDS, service.suits)
    return launch(home, service, on_progress)


def launch(home: Path, service: Service, on_progress: Progress) -> Begun:
    """Start a server on free ports, those of its last life where it can."""
    on_progress(Step(service.name, "starting"))
    last = state.read(home, service.name)
    chosen = ports.choose(service.usual_ports, last.ports if last else {}, service.suits)
    token, now = process.new_token(), time.time()
    record = Record(service.name, token, 0, now, chosen, dict(service.detail), service.grace_seconds, service.scheme)
    state.write(home, record)  # before the process: if this command dies now, the token still finds what it spawned
    folder, log = home / service.name, log_path(home, service.name)
    state.private_folder(folder)
    state.private_folder(log.parent)
    record = replace(record, pid=process.spawn(service.command(chosen), service.env, token, folder, log))
    state.write(home, record)
    return Begun(service, record, launched=True)


def settle(home: Path, begun: Begun, on_progress: Progress) -> Record:
    """Wait until a server answers; it is halted if it never does.

    Errors: the one its log carries, else UnavailableError with the log's last lines. It is launched again if it ran
    before this command and has ended since, or if another program has taken one of its ports meanwhile.
    """
    service = begun.service
    for attempt in range(1, ATTEMPTS + 1):
        record = begun.record
        if _answers_within(service, record, service.start_seconds):
            on_progress(Step(service.name, f"ready at {record.address}", done=True))
            return record
        ended = not process.is_running(record.pid, record.token)
        halt(home, record)
        lost_a_port = ended and (not ports.are_free(record.ports) or _found_a_port_taken(home, service))
        if attempt == ATTEMPTS or (begun.launched and not lost_a_port):
            break
        time.sleep(random.uniform(0, JITTER_SECONDS))  # noqa: S311 - two that lost to each other must not meet again
        begun = launch(home, service, on_progress)
    raise _explain(home, service, ended)


def answers(service: Service, record: Record) -> bool:
    """Whether the recorded server itself, and not a stranger on its port, answers as a ready one does."""
    return service.is_ready(record.ports) and ("127.0.0.1", record.ports["http"]) in process.listeners(record.token)


def halt(home: Path, record: Record) -> None:
    """Stop every process of a record and remember that it is stopped."""
    process.stop(record.token, record.grace_seconds)
    state.write(home, record.stopped())


def log_path(home: Path, name: str) -> Path:
    """Where a service's output goes; the output of its life before stands beside it, ending in `.1`."""
    return home / "logs" / f"{name}.log"


def _lives(service: Service, record: Record) -> bool:
    """Whether it runs, and answers unless it is still starting: one that hangs does not live."""
    if time.time() - record.started < service.start_seconds:
        return process.is_running(record.pid, record.token)
    return _answers_within(service, record, service.hang_seconds)


def _answers_within(service: Service, record: Record, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while process.is_running(record.pid, record.token) and time.monotonic() < deadline:
        if answers(service, record):
            return True
        time.sleep(POLL_SECONDS)
    return False


def _found_a_port_taken(home: Path, service: Service) -> bool:
    """Whether its log says so: who took the port may have ended since, perhaps for the same reason."""
    return bool(_PORT_TAKEN.search(log_path(home, service.name).read_text(errors="replace")))


def _explain(home: Path, service: Service, ended: bool) -> DriftloopError:
    log = log_path(home, service.name)
    lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
    for error in filter(None, map(from_line, reversed(lines))):
        return error
    happened = "ended while it started" if ended else f"did not answer within {service.start_seconds:g} s"
    told = "".join(f"\n  {line}" for line in _telling(lines)) or "\n  (nothing)"
    return UnavailableError(f"The service {service.name} {happened}. From its log:{told}", f"\nThe whole log is {log}.")


def _telling(lines: list[str]) -> list[str]:
    """The last lines; of a Go program, which ends with its stacks, the reason before them."""
    reason = next((index for index, line in enumerate(lines) if _GO_REASON.match(line)), None)
    if reason is None:
        return lines[-LOG_LINES:]
    return list(takewhile(lambda line: not line.startswith("goroutine "), lines[reason:]))
