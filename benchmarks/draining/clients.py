"""Clients of both protocols, which ask all the time and count what fails. None of them tries again."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from pressure.course import Course
from pressure.generator import Generator, Phase
from pressure.overload import http
from servers import forms, models

_DAY_SECONDS = 86_400.0
_CONNECTIONS = 32
_CALL_SECONDS = 30


@dataclass
class Calls:
    """Of gRPC."""

    good: int = 0
    failed: Counter[str] = field(default_factory=Counter)
    """By status and its details."""


class Clients:
    """HTTP requests at a rate, in an open loop, and gRPC calls one after the other beside them."""

    def __init__(self, port: int, rate: float, calls_rate: float) -> None:
        self.calls = Calls()
        self._port = port
        self._rate = rate
        self._pause = 1 / calls_rate
        self._generator = Generator(port, http(forms.v2_json(models.rows(1))), _CONNECTIONS)
        self._over = threading.Event()

    @contextmanager
    def asking(self) -> Iterator[None]:
        """They ask meanwhile."""
        phases = [Phase(self._rate, _DAY_SECONDS)]
        threads = [
            threading.Thread(target=self._generator.run, args=(phases,), name="requests"),
            threading.Thread(target=self._call, name="calls"),
        ]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._over.set()
            self._generator.stopping.set()
            for thread in threads:
                thread.join()

    def course(self) -> Course:
        """What became of the requests."""
        return Course.of(self._generator.outcomes)

    @property
    def failures(self) -> int:
        """So far, of both kinds."""
        statuses = self._generator.outcomes.status
        return len(statuses) - statuses.count(200) + self.calls.failed.total()

    def _call(self) -> None:
        import grpc

        asked = forms.v2_grpc(models.rows(1))
        with grpc.insecure_channel(f"127.0.0.1:{self._port}", [("grpc.enable_retries", 0)]) as channel:
            call = channel.unary_unary(asked.path, response_deserializer=None)
            while not self._over.wait(self._pause):
                try:
                    call(asked.body[5:], timeout=_CALL_SECONDS)
                    self.calls.good += 1
                except grpc.RpcError as error:
                    self.calls.failed[f"{error.code().name}: {error.details()[:120]}"] += 1
