"""Who is killed, and what brings it back."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass

from kills.home import Home
from pocket import process
from pocket.controllers import envoy
from pocket.controllers.revision import RECORDS
from pocket.state import Record

EVERYTHING = "everything at once"
RECOVERY_SECONDS = 180.0
POLL_SECONDS = 0.2


@dataclass(frozen=True)
class Killed:
    """One kill and what followed."""

    what: str
    by_itself: bool
    """Whether it must come back without a command."""
    seconds: float
    """From the kill until everything runs and answers, the wait before `up` included."""
    up_seconds: float | None
    """Of these `driftloop up`; None where it was not needed."""
    failure: str = ""
    """Why it did not come back as it must; empty if it did."""


def names(records: Mapping[str, Record]) -> list[str]:
    """Every process that runs, one after the other, and in the end all of them."""
    return [*records, EVERYTHING]


def shown(name: str) -> str:
    """A service's name for people."""
    return name.removeprefix(f"{RECORDS}driftloop.")


def restarts_itself(name: str) -> bool:
    """The controllers start Envoy and every revision again."""
    return name == envoy.NAME or name.startswith(RECORDS)


def kill(home: Home, name: str, away_seconds: float, tell: Callable[[str], None]) -> Killed:
    """Kill one, wait for it to come back or bring it back as the documentation says, and see that it did."""
    records = home.records()
    begun = time.monotonic()
    _kill(records.values() if name == EVERYTHING else [records[name]])
    tell("killed")
    failure, up_seconds = "", None
    if restarts_itself(name):
        failure = _await_fine(home, records[name])
    if failure or not restarts_itself(name):
        time.sleep(0 if failure else away_seconds)
        tell("`driftloop up`")
        asked = time.monotonic()
        home.up()
        up_seconds = time.monotonic() - asked
        failure = failure or _await_fine(home)
    return Killed(shown(name), restarts_itself(name), time.monotonic() - begun, up_seconds, failure)


def _kill(records: Iterable[Record]) -> None:
    """SIGKILL to the process of each record, not to what it has started."""
    for record in records:
        if process.is_running(record.pid, record.token):
            with suppress(ProcessLookupError):  # it died with another
                os.kill(record.pid, signal.SIGKILL)


def _await_fine(home: Home, dead: Record | None = None) -> str:
    """Wait until everything runs and answers, the dead one in a new life; what does not, or nothing."""
    deadline = time.monotonic() + RECOVERY_SECONDS
    while True:
        wrong = [f"{one.service} is {one.state}" for one in home.states() if not one.is_fine]
        if dead and home.records().get(dead.service, dead).token == dead.token:
            wrong.append(f"{shown(dead.service)} has not been started again")
        if not wrong:
            return ""
        if time.monotonic() > deadline:
            return ", ".join(wrong)
        time.sleep(POLL_SECONDS)
