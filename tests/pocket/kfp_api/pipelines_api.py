"""The API as its users have it: a process of its own, asked by an unmodified kfp.Client."""

from __future__ import annotations

import http.client
import json
import os
import signal
import time
import uuid
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from kfp.client import Client

from pocket import service, state
from pocket.kfp_api.service import NAME
from pocket.kfp_api.service import service as pipelines_service
from pocket.progress import silent
from tests.pocket.kfp_api.tiny import tiny

_MARK = "PIPELINES_TEST"


@dataclass(frozen=True)
class Api:
    """A server of a home, which may be ended and started again."""

    home: Path
    mark: str
    """In the environment of everything it starts."""

    @property
    def address(self) -> str:
        """Where it answers."""
        record = state.read(self.home, NAME)
        assert record
        return record.address

    @property
    def client(self) -> Client:
        """A client as it comes."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # of every client: it wants a v2 server
            return Client(host=self.address)

    def start(self) -> None:
        """Until it answers."""
        env = {**os.environ, "GREETING": "hello", _MARK: self.mark}
        service.settle(self.home, service.ensure(self.home, pipelines_service(self.home, env), silent), silent)

    def stop(self) -> None:
        """As `driftloop down` does."""
        if record := state.read(self.home, NAME):
            service.halt(self.home, record)

    def kill(self) -> None:
        """Without a warning."""
        record = state.read(self.home, NAME)
        assert record
        os.kill(record.pid, signal.SIGKILL)

    def submit(self, name: str, how: str = "") -> str:
        """A tiny run; its id."""
        arguments = {"name": name, "how": how}
        return str(self.client.create_run_from_pipeline_func(tiny, arguments, run_name=name).run_id)

    def wait(self, run_id: str, condition: Callable[[Any], object]) -> Any:
        """The run, once it is so."""
        client, deadline = self.client, time.monotonic() + 100
        while not condition(run := client.get_run(run_id)):
            assert time.monotonic() < deadline, run
            time.sleep(0.05)
        return run

    def wait_for_step(self, run_id: str, step: str) -> None:
        """Until a step has begun, and the processes it starts are there."""
        self.wait(run_id, lambda run: step in steps(run))
        until(lambda: any("sleep" in process.cmdline()[:1] for process in self.processes()))

    def processes(self) -> list[psutil.Process]:
        """Everything it has started, and itself."""
        return [process for process in psutil.process_iter() if _environment(process).get(_MARK) == self.mark]

    def ask(self, method: str, path: str, body: object = None, **headers: str) -> tuple[int, dict[str, Any]]:
        """Status and answer of a request no client makes."""
        connection = http.client.HTTPConnection(self.address.removeprefix("http://"), timeout=20)
        sent = {"Content-Type": "application/json", **headers}
        connection.request(method, path, None if body is None else json.dumps(body), sent)
        response = connection.getresponse()
        answer = json.loads(response.read())
        connection.close()
        return response.status, answer


@contextmanager
def running(home: Path) -> Iterator[Api]:
    """A server, stopped afterwards, with nothing left of it."""
    api = Api(home, uuid.uuid4().hex)
    try:
        api.start()
        yield api
    finally:
        api.stop()
    until(lambda: not api.processes())


def states(what: Any) -> list[str]:
    """Every state a run or a task was in."""
    return [status.state for status in what.state_history]


def steps(run: Any) -> dict[str, str]:
    """Step → state."""
    return {task.display_name: task.state for task in run.run_details.task_details or []}


def until(condition: Callable[[], object], seconds: float = 30) -> None:
    """Wait for a condition."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, condition
        time.sleep(0.05)


def _environment(process: psutil.Process) -> dict[str, str]:
    try:
        return process.environ()
    except (psutil.Error, OSError):  # gone meanwhile, or another user's
        return {}
