"""Rolling restarts: the next predictor is ready, and known to Envoy, before the last is asked to end."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from types import TracebackType

from servers.models import NAME, ServedModel
from servers.place import Place
from servers.process import ServerProcess, plain_environment

from contracts.errors import UnavailableError
from draining.proxy import READY_PATH, Proxy, Slot

_KNOWN_SECONDS = 30.0
_POLL_SECONDS = 0.02
_END_SECONDS = 60.0
"""Longer than a predictor waits for clients that do not leave."""


@dataclass(frozen=True)
class Restart:
    """One predictor replaced by another."""

    ready_seconds: float
    """From its start until the new one was ready."""
    drain_seconds: float
    """From SIGTERM until the old one had ended."""
    exit_code: int
    """Of the old one."""


class Rolling:
    """One predictor that serves, as a context, and what takes its place."""

    def __init__(self, model: ServedModel, place: Place, slots: tuple[Slot, Slot], proxy: Proxy) -> None:
        self._model = model
        self._place = place
        self._slots = slots
        self._proxy = proxy
        sink = {"K_SINK": f"http://127.0.0.1:{place.sink_port}", "DRIFTLOOP_SPOOL": str(place.folder / "spool")}
        self._env = {**plain_environment(), **sink}
        self._count = 0
        self._serving: ServerProcess

    def __enter__(self) -> Rolling:
        self._serving, _ = self._next()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._serving.stop()

    def restart(self) -> Restart:
        """Start the next one, then end the one that serves."""
        fresh, ready_seconds = self._next()
        leaving, self._serving = self._serving, fresh
        began = time.perf_counter()
        code = leaving.stop(_END_SECONDS)
        return Restart(ready_seconds, time.perf_counter() - began, code)

    def _next(self) -> tuple[ServerProcess, float]:
        """The next predictor, in the slot that is free, and its seconds until ready."""
        slot = self._slots[self._count % 2]
        self._count += 1
        line = [sys.executable, "-m", "serving.predictor", "--name", NAME, "--model-dir", str(self._model.bundle)]
        line += ["--http-port", str(slot.http_port), "--grpc-port", str(slot.grpc_port)]
        log = self._place.folder / f"predictor-{self._count}.log"
        process = ServerProcess(self._place.cores.on_server(line), slot.http_port, READY_PATH, log, self._env)
        try:
            ready_seconds = process.await_ready()
            self._await_known(slot)
        except BaseException:
            process.stop()
            raise
        return process, ready_seconds

    def _await_known(self, slot: Slot) -> None:
        deadline = time.monotonic() + _KNOWN_SECONDS
        while not self._proxy.healthy(slot):
            if time.monotonic() > deadline:
                raise UnavailableError(f"Envoy did not find the predictor on port {slot.http_port} ready.")
            time.sleep(_POLL_SECONDS)
