"""Options of payload logging: each an argument, with a variable of the environment as its default."""

from __future__ import annotations

import argparse
import hashlib
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from contracts.errors import ConfigError
from contracts.events import MAX_ROWS
from contracts.settings import Settings

LEAST_SPOOL_BYTES = 65_536
_NUMBERS: tuple[tuple[str, str, type[int] | type[float], float, str], ...] = (
    ("payload_rows", "DRIFTLOOP_PAYLOAD_ROWS", int, 2048, "rows of one payload event, at most"),
    ("payload_delay_ms", "DRIFTLOOP_PAYLOAD_DELAY_MS", int, 200, "how long a row waits for others, at most"),
    ("payload_share", "DRIFTLOOP_PAYLOAD_SHARE", float, 1.0, "share of the requests that are logged; 0 for none"),
    ("payload_spool_bytes", "DRIFTLOOP_SPOOL_BYTES", int, 256 * 2**20, "disk for rows that are not sent yet"),
    ("payload_flush_seconds", "DRIFTLOOP_PAYLOAD_FLUSH_SECONDS", int, 5, "time for sending the rest when asked to end"),
)
"""Name of the field, variable, type, default, help."""


@dataclass(frozen=True)
class PayloadOptions:
    """Where payload events go, and within which bounds. There are none without K_SINK."""

    sink: str | None
    """The Broker's URL (`K_SINK`)."""
    revision: str
    """Name of the revision that answers (`K_REVISION`)."""
    payload_spool: Path
    """Folder of the spools, one in it for each process."""
    payload_rows: int
    payload_delay_ms: int
    payload_share: float
    payload_spool_bytes: int
    payload_flush_seconds: int

    @property
    def enabled(self) -> bool:
        """Whether anything is logged."""
        return self.sink is not None and self.payload_share > 0

    @classmethod
    def take(cls, given: dict[str, Any], env: Mapping[str, str]) -> PayloadOptions:
        """Take the options out of parsed arguments. ConfigError names a wrong value."""
        own: dict[str, Any] = {field.name: given.pop(field.name) for field in fields(cls) if field.name in given}
        sink = Settings.from_env({"K_SINK": env.get("K_SINK", "")}).sink
        spool = own.pop("payload_spool") or env.get("DRIFTLOOP_SPOOL") or _default_spool(sink)
        options = cls(sink, env.get("K_REVISION") or "local", payload_spool=Path(spool).absolute(), **own)
        options._check()
        return options

    def _check(self) -> None:
        least = {"payload_rows": 1, "payload_share": 0, "payload_spool_bytes": LEAST_SPOOL_BYTES}
        most = {"payload_rows": MAX_ROWS, "payload_share": 1}
        for name, *_ in _NUMBERS:
            value, low, high = getattr(self, name), least.get(name, 0), most.get(name)
            if not (low <= value and (high is None or value <= high)):
                allowed = f"at least {low}" if high is None else f"{low} to {high}"
                raise ConfigError(f"--{name.replace('_', '-')} is {value}; expected {allowed}.")


def add_arguments(parser: argparse.ArgumentParser, env: Mapping[str, str]) -> None:
    """Add the options to a parser."""
    group = parser.add_argument_group("payload logging", "Every answered row is sent to K_SINK, if that is set.")
    for name, variable, kind, default, text in _NUMBERS:
        spelling = f"--{name.replace('_', '-')}"
        # A default that is text is converted like an argument, with the same message if it is no number.
        group.add_argument(spelling, type=kind, default=env.get(variable) or default, help=f"{text} ({variable})")
    group.add_argument(
        "--payload-spool", metavar="PATH", type=Path, help="folder for rows that are not sent yet (DRIFTLOOP_SPOOL)"
    )


def _default_spool(sink: str | None) -> str:
    """One a user and sink: what a process leaves behind is sent by the next, to where it was meant to go."""
    digest = hashlib.sha256((sink or "").encode()).hexdigest()[:12]
    return f"{tempfile.gettempdir()}/driftloop-spool-{os.getuid()}-{digest}"
