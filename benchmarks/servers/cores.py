"""One processor for the server that is measured, another for everything that asks it."""

from __future__ import annotations

import os
from dataclasses import dataclass

from contracts.errors import ConfigError


@dataclass(frozen=True)
class Cores:
    """Numbers of two processors."""

    server: int
    load: int

    @classmethod
    def choose(cls) -> Cores:
        """The first and the last that this process may use; it keeps to the last itself, and so does what it starts."""
        allowed = sorted(os.sched_getaffinity(0))
        if len(allowed) < 2:
            raise ConfigError("There is one processor.", "A server and its load need one each: run this on two.")
        os.sched_setaffinity(0, {allowed[-1]})
        return cls(allowed[0], allowed[-1])

    def on_server(self, line: list[str]) -> list[str]:
        """A command that runs on the server's processor, with every thread it will ever have."""
        return ["taskset", "--cpu-list", str(self.server), *line]
