"""Keeps NATS, the ingress and the dispatcher up: what has ended is started again, more slowly each time."""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from contracts.errors import DriftloopError
from pocket import process, service, state
from pocket.broker import nats_server, routes
from pocket.broker.service import ROLES, name_of, role_service
from pocket.progress import silent
from pocket.service import Begun
from pocket.state import Record

LOOK_SECONDS = 0.2
_SLOWEST_SECONDS = 10.0

_log = logging.getLogger(__name__)


class Keeper:
    """The three services of one home."""

    def __init__(self, home: Path, config: Path, env: Mapping[str, str]) -> None:
        self.home = home
        self.config = config
        self.env = env
        self.ended = threading.Event()

    def run(self) -> None:
        """Keep them up until SIGTERM or SIGINT, then stop them. A DriftloopError if they cannot be started at first."""
        routes.read(self.config)  # a mistake in it is told now, not in a log
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self.ended.set())
        signal.signal(signal.SIGHUP, lambda *_: self._hang_up())
        try:
            _, ingress, _ = [service.settle(self.home, begun, silent) for begun in self._begin()]
            _log.info("events are taken at %s/<namespace>/<broker>", ingress.address)
            self._watch()
        finally:
            self._stop()

    def _watch(self) -> None:
        pause = LOOK_SECONDS
        while not self.ended.wait(pause):
            if all(process.is_running(record.pid, record.token) for record in self._records()):
                pause = max(LOOK_SECONDS, pause / 2)
                continue
            pause = min(2 * pause, _SLOWEST_SECONDS)
            try:
                self._begin()
            except DriftloopError as error:
                _log.error("%s", error)

    def _begin(self) -> list[Begun]:
        """Start what does not run, and wait for none of it: who waits for one does not see another end."""
        with state.locked(self.home, silent):
            begun = [service.ensure(self.home, nats_server.service(self.home, self.env), silent)]
            port = begun[0].record.ports["http"]
            roles = (role_service(role, self.home, self.config, port, self.env) for role in ROLES)
            return begun + [service.ensure(self.home, each, silent) for each in roles]

    def _stop(self) -> None:
        with state.locked(self.home, silent):
            for record in reversed(self._records()):
                if record.token:
                    service.halt(self.home, record)

    def _hang_up(self) -> None:
        for record in self._records():
            if record.service != nats_server.NAME and record.pid:
                with suppress(ProcessLookupError):  # it has ended, and will read the routes when it starts
                    os.kill(record.pid, signal.SIGHUP)

    def _records(self) -> list[Record]:
        names = [nats_server.NAME, *map(name_of, ROLES)]
        return [record for name in names if (record := state.read(self.home, name))]
