"""One revision's process: fetch its model, start it, ask whether it is ready, start it again, stop it.

It is known by its record, so whoever comes next finds it running. Nothing here waits: a pool does what takes time.
"""

from __future__ import annotations

import re
import shutil
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from contracts.errors import DriftloopError, UnavailableError, disk_room, from_line
from contracts.objects import ObjectStore
from contracts.settings import Settings
from pocket import process, service, state
from pocket.controllers import container, probing
from pocket.controllers.allocation import Allocation
from pocket.controllers.client import Json
from pocket.controllers.conditions import RefusedError
from pocket.environment import laid_under
from pocket.ports import wait_until_free
from pocket.progress import silent
from pocket.service import Service

RECORDS = "revision."
"""What the names of their records begin with."""
DEADLINE_SECONDS = 600.0
_DEADLINE = "serving.knative.dev/progress-deadline"
_EAGER_SECONDS = 0.1
_SLOWEST_SECONDS = 60.0
_PORTS = ("http", "grpc")
_LOG_LINES = 3
T = TypeVar("T")


@dataclass(frozen=True)
class Platform:
    """What every revision of a home shares."""

    home: Path
    env: Mapping[str, str]
    find: container.Find
    ports: Allocation
    pool: ThreadPoolExecutor
    wake: threading.Event
    """Set when something has happened that the loop should look at."""

    def begin(self, work: Callable[[], T]) -> Future[T]:
        """Do something in the pool, and wake the loop when it is done."""
        begun = self.pool.submit(work)
        begun.add_done_callback(lambda _: self.wake.set())
        return begun


class Revision:
    """The process of one revision."""

    def __init__(self, platform: Platform, namespace: str, owner: str, name: str, template: Json) -> None:
        self.name = name
        self.key = f"{RECORDS}{namespace}.{name}"
        self.template = template
        self.is_ready = False
        self.failure: DriftloopError | None = None
        self._platform = platform
        self._own = {"K_SERVICE": owner, "K_CONFIGURATION": owner, "K_REVISION": name}
        self._namespace = namespace
        self._record = state.read(platform.home, self.key)
        self._runs = self._is_running()  # one that was left running is gone on with
        self._begun = time.monotonic()
        self._since = self._due = self._asked = 0.0
        self._falls = self._misses = 0
        self._task: Future[None] | None = None
        self._answer: Future[bool] | None = None
        self._was_ready = self._stopping = self._gave_up = False
        if self._record:
            platform.ports.hold(self.key, self._record.ports)

    @property
    def ports(self) -> Mapping[str, int] | None:
        """Where it listens: `http` and `grpc`. The last place, while it is being started again."""
        if self._record is None:
            return None
        return {**self._record.ports, "grpc": self._record.ports["http" if self.speaks_http2 else "grpc"]}

    @property
    def token(self) -> str:
        """By which its process is found; empty if none has been started."""
        return self._record.token if self._record else ""

    @property
    def speaks_http2(self) -> bool:
        """Whether its port is one of HTTP/2 without TLS, by Knative's name for it."""
        return any(port.get("name") == "h2c" for port in self.template["container"].get("ports", []))

    @property
    def is_loading(self) -> bool:
        """Whether its process runs, and is not ready yet."""
        return self._runs and not self.is_ready

    @property
    def is_stopped(self) -> bool:
        """Whether nothing of it runs or is about to."""
        return self._task is None and not (self._record and self._record.token)

    def keep(self, now: float) -> None:
        """Bring it a step nearer to running and ready, or find out that it no longer is."""
        self._stopping = False
        if self._is_busy(now) or self._gave_up:
            return
        if not self._is_running():
            self._revive(now)
        elif not self.is_ready and not self._was_ready and now - self._begun > self._deadline_seconds():
            self._gave_up = True
            self._fail(RefusedError("ProgressDeadlineExceeded", "It was not ready in time."), now)
            self._task = self._platform.begin(self._halt)
        else:
            self._ask(now)

    def stop(self, now: float) -> None:
        """End its process; `is_stopped` tells when it has."""
        self._stopping, self._runs, self.is_ready = True, False, False
        if not self._is_busy(now) and not self.is_stopped:
            self._task = self._platform.begin(self._halt)

    def forget(self) -> None:
        """Remove what it kept on the disk. Its log stays."""
        state.remove(self._platform.home, self.key)
        self._platform.ports.release(self.key)
        shutil.rmtree(self._platform.home / self.key, ignore_errors=True)

    def _is_busy(self, now: float) -> bool:
        if self._task is None:
            return False
        if self._task.done():
            done, self._task = self._task, None
            try:
                done.result()
                self._runs = self._is_running() and not self._stopping
            except DriftloopError as error:
                self._fail(error, now)
        return self._task is not None

    def _is_running(self) -> bool:
        return self._record is not None and process.is_running(self._record.pid, self._record.token)

    def _revive(self, now: float) -> None:
        if self._runs:  # it did: it has ended by itself
            self._fail(self._last_words(), now)
        if now >= self._due:
            self._task = self._platform.begin(self._launch)

    def _fail(self, error: DriftloopError, now: float) -> None:
        lasted, self._runs = now - self._since, False
        self._falls = 1 if self.is_ready and lasted > _SLOWEST_SECONDS else self._falls + 1
        pause = min(2.0 ** (self._falls - 2), _SLOWEST_SECONDS) if self._falls > 1 else 0.0
        self.is_ready, self.failure, self._due = False, error, now + pause

    def _ask(self, now: float) -> None:
        """Readiness until it is ready, often; from then on liveness, as often as it wants."""
        assert self._record is not None  # noqa: S101  it runs
        kind = "livenessProbe" if self.is_ready else "readinessProbe"
        probe = probing.of(self.template["container"], kind, self._record.ports["http"])
        if self._answer and self._answer.done():
            passed, self._answer = self._answer.result(), None
            self._hear(passed, probe.failures, now)
        elif self._answer is None and now - self._asked >= (probe.period_seconds if self.is_ready else _EAGER_SECONDS):
            if self.is_ready and (kind not in self.template["container"] or now - self._since < probe.delay_seconds):
                return
            token = "" if self.is_ready else self._record.token
            self._asked, self._answer = now, self._platform.begin(lambda: _passes(probe, token))

    def _hear(self, passed: bool, failures: int, now: float) -> None:
        self._misses = 0 if passed else self._misses + 1
        if passed and not self.is_ready:
            self.is_ready = self._was_ready = True
            self.failure, self._since = None, now
        elif self.is_ready and self._misses >= failures:
            self._fail(UnavailableError("Its liveness probe failed: it is started again."), now)
            self._task = self._platform.begin(self._halt)

    def _launch(self) -> None:
        if self._record and self._record.token:
            service.halt(self._platform.home, self._record)  # also what a killed process left behind
            wait_until_free(self._record.ports, service.RELEASE_SECONDS)  # Envoy tries again where it was
        spec, home = self.template["container"], self._platform.home
        ports = self._platform.ports.take(self.key, _PORTS, self._record.ports if self._record else {})
        own = {**self._own, "PORT": str(ports["http"]), "DRIFTLOOP_GRPC_PORT": str(ports["grpc"])}
        models = home / self.key / "models"
        env = container.environment(spec, self._namespace, own, self._platform.find, models)
        command = container.command(spec, env, models)
        self._fetch(models, env)
        wanted = Service(
            *(self.key, ports, lambda _: command, env),
            is_ready=lambda _: True,  # what probes are for
            start_seconds=DEADLINE_SECONDS,
            suits=lambda port: port in ports.values(),
        )
        self._record = service.launch(home, wanted, silent).record
        self._asked = self._misses = 0
        self._answer = None  # of the process before

    def _fetch(self, models: Path, env: Mapping[str, str]) -> None:
        """What KServe's storage initializer does: the folder is there whole or not at all."""
        uri = self.template["storageUri"]
        if not uri or models.exists():
            return
        partial = models.with_name("models.partial")
        with disk_room(models):
            shutil.rmtree(partial, ignore_errors=True)
            partial.mkdir(mode=0o700, parents=True)
            known = {**laid_under(self._platform.home, self._platform.env), **env}
            ObjectStore(Settings.from_env(known)).get_folder(uri, partial)
            partial.rename(models)

    def _halt(self) -> None:
        if self._record:
            service.halt(self._platform.home, self._record)
            self._record = self._record.stopped()

    def _last_words(self) -> DriftloopError:
        log = service.log_path(self._platform.home, self.key)
        lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()] if log.exists() else []
        for error in filter(None, map(from_line, reversed(lines))):
            return RefusedError(f"ExitCode{error.exit_code}", error.what, error.remedy)
        return RefusedError("ContainerExited", f"It ended. Its log: {' | '.join(lines[-_LOG_LINES:]) or 'empty'}")

    def _deadline_seconds(self) -> float:
        given = re.fullmatch(r"(\d+)(s|m)", self.template["annotations"].get(_DEADLINE, ""))
        return int(given[1]) * (60 if given[2] == "m" else 1) if given else DEADLINE_SECONDS


def _passes(probe: probing.Probe, token: str) -> bool:
    """Ask once. With a token: and whether it is that process that answers, and no stranger on its port."""
    return probe.passes() and (not token or ("127.0.0.1", probe.port) in process.listeners(token))
