"""One server's life, tried on a small real HTTP server."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from contracts.errors import DataError, IntegrityError, UnavailableError, to_line
from pocket import ports, probe, process, service, state
from pocket.progress import Step, silent
from pocket.service import Begun, Service

SERVER = """
import http.server, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response({"/ready": 200, "/busy": 503}.get(self.path, 404))
        self.end_headers()
    def log_message(self, *_):
        pass
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


def program(script: str = SERVER, ready: str = "/ready", seconds: float = 30, **detail: str) -> Service:
    """A Python script as a service, given its port."""
    return Service(
        name="small",
        usual_ports=ports.choose({"http": 11_111}, {}),
        command=lambda chosen: [sys.executable, "-c", script, str(chosen["http"])],
        env=os.environ,
        is_ready=lambda chosen: probe.status(chosen["http"], ready) == 200,
        start_seconds=seconds,
        detail=detail,
    )


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """A home in which nothing runs afterwards."""
    yield tmp_path
    record = state.read(tmp_path, "small")
    if record:
        service.halt(tmp_path, record)


def started(home: Path, wanted: Service) -> state.Record:
    """Ensure and settle."""
    return service.settle(home, service.ensure(home, wanted, silent), silent)


def test_a_server_starts_answers_and_stops(home: Path) -> None:
    """A life: ready at its address, then gone, with its port free and remembered."""
    told: list[Step] = []
    begun = service.ensure(home, program(), told.append)
    record = service.settle(home, begun, told.append)
    assert begun.launched
    assert told == [Step("small", "starting"), Step("small", f"ready at {record.address}", done=True)]
    service.halt(home, record)
    assert ports.are_free(record.ports)
    assert state.read(home, "small") == record.stopped()


def test_a_running_server_is_left_alone(home: Path) -> None:
    """A second start is none."""
    wanted = program()
    record = started(home, wanted)
    assert service.ensure(home, wanted, silent) == Begun(wanted, record, launched=False)


def test_a_server_started_with_something_else_is_restarted(home: Path) -> None:
    """Another detail asked for means another process, on the same port."""
    first = started(home, program(model="1"))
    second = started(home, program(model="2"))
    assert not process.is_running(first.pid, first.token)
    assert (second.ports, second.detail) == (first.ports, {"model": "2"})


def test_a_killed_server_comes_back_at_its_address(home: Path) -> None:
    """After kill -9 the next start finds it dead and uses the same port."""
    wanted = program()
    first = started(home, wanted)
    os.kill(first.pid, signal.SIGKILL)
    second = started(home, wanted)
    assert second.token != first.token
    assert second.ports == first.ports


def test_a_server_that_ends_while_it_is_waited_for_is_started_again(home: Path) -> None:
    """One found running that dies before it answers is no reason to fail."""
    wanted = program()
    found = replace(service.launch(home, wanted, silent), launched=False)
    os.kill(found.record.pid, signal.SIGKILL)
    assert service.settle(home, found, silent).token != found.record.token


def test_a_hanging_server_is_restarted(home: Path) -> None:
    """One that runs and does not answer, its time to start long over, does not count as running."""
    wanted = replace(program(), hang_seconds=0.1)
    first = started(home, wanted)
    os.kill(first.pid, signal.SIGSTOP)
    state.write(home, replace(first, started=0.0))
    second = started(home, wanted)
    assert second.token != first.token
    assert not process.members(first.token)


def test_a_server_that_is_never_ready_is_halted(home: Path) -> None:
    """After its time the error says so, and nothing is left running."""
    with pytest.raises(UnavailableError, match=r"small did not answer within 0\.5 s"):
        started(home, program(ready="/busy", seconds=0.5))
    assert_nothing_runs(home)


def test_a_server_that_ends_shows_its_last_words(home: Path) -> None:
    """The error carries the end of the log and says where the rest is."""
    with pytest.raises(UnavailableError) as caught:
        started(home, program("import sys; print('before'); sys.exit('no such table: runs')"))
    assert "ended while it started" in caught.value.what
    assert "no such table: runs" in caught.value.what
    assert str(service.log_path(home, "small")) in caught.value.remedy
    assert_nothing_runs(home)


def test_a_go_programs_reason_is_found_before_its_stacks(home: Path) -> None:
    """The reason, not the end of forty stacks."""
    script = (
        "print('I1 fine'); print('panic: disk is gone'); print('goroutine 1 [running]:'); print('main.main()\\n' * 50)"
    )
    with pytest.raises(UnavailableError, match=r"panic: disk is gone \n"):
        started(home, program(script))


@pytest.mark.parametrize(
    "error", [IntegrityError("model.ubj has another digest.", "Register again."), DataError("None.")]
)
def test_an_error_told_by_the_server_is_raised_again(home: Path, error: IntegrityError) -> None:
    """The server's own DriftloopError crosses the process with its kind, words and exit code."""
    line = f"2026-01-01 ERROR serving: {to_line(error)}"
    with pytest.raises(type(error)) as caught:
        started(home, program(f"import sys; print({line!r}); sys.exit(8)"))
    assert (caught.value.what, caught.value.remedy) == (error.what, error.remedy)


def test_a_stranger_on_the_port_is_not_taken_for_the_server(home: Path) -> None:
    """A port lost to another program after it was chosen is given up for another, though that program answers."""
    told: list[Step] = []
    wanted = program()
    first = iter([True])
    with started_stranger(home) as stranger:
        raced = replace(wanted, command=lambda free: wanted.command(stranger.ports if next(first, False) else free))
        launched = service.launch(home, raced, told.append)
        lost = replace(launched.record, ports=stranger.ports)
        state.write(home, lost)
        settled = service.settle(home, replace(launched, record=lost), told.append)
        assert settled.ports != stranger.ports
    assert [step.what for step in told[:2]] == ["starting", "starting"]


def test_secrets_and_state_are_the_owners_alone(home: Path) -> None:
    """Records and logs lie in folders only their owner may enter."""
    started(home, program())
    assert {(home / name).stat().st_mode & 0o777 for name in ("state", "logs")} == {0o700}


@contextmanager
def started_stranger(home: Path) -> Iterator[state.Record]:
    """The same program, run by another home."""
    other = home / "other"
    record = started(other, program())
    yield record
    service.halt(other, record)


def assert_nothing_runs(home: Path) -> None:
    """The record is one of a stopped service."""
    record = state.read(home, "small")
    assert record is not None
    assert record.token == ""
