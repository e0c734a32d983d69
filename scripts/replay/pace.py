"""Lets a replay wait for the loop: a year passes in minutes, and what follows from a day must follow soon after.

Live traffic needs none of this. Here the clock of the events stands still until the windows of what was sent are
judged and decided on, and while a training run is under way; it goes on while a canary needs traffic.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from contracts.errors import UnavailableError
from contracts.eventlog import EventLog
from contracts.events import Label, Retrain
from contracts.loop import LoopSpec
from feature_store.contract import ROW_ID

POLL_SECONDS = 0.1
RUN_POLL_SECONDS = 0.5
PATIENCE_SECONDS = 120.0
"""How long the services may take for a day's events."""
OVERLAP = timedelta(seconds=5)
"""An object is named before it is there."""
ROLLOUT_DAY_SECONDS = 0.5
"""A day's time while a rollout looks at its traffic."""


@dataclass
class Pace:
    """One replay's."""

    log: EventLog
    spec: LoopSpec
    stage: Callable[[], str | None]
    """What the loop's run in progress is at: a step's name, or None if there is no run."""
    has_canary: Callable[[], bool]
    """Whether a canary has a share of the traffic."""
    tell: Callable[[str], None]
    """Is told what is waited for."""
    counted: dict[str, int] = field(default_factory=dict)
    """Model version → rows it answered, those of before this replay included."""
    _awaited: set[str] = field(default_factory=set)
    _since: datetime = field(default_factory=lambda: datetime.now(UTC) - OVERLAP)
    _read: set[str] = field(default_factory=set)
    """Objects of labels that have been read, of the newest."""
    _stored: set[str] = field(default_factory=set)
    """Rows whose labels were in them: also of days that are not waited for yet."""

    async def settle(self, answered: dict[str, int], labels: Iterable[Label]) -> None:
        """Wait until everything that follows from the day is done. UnavailableError if a service takes too long."""
        self._awaited |= {row for label in labels for row in label.row_ids}
        await asyncio.to_thread(self._wait_for_events, answered)
        await asyncio.to_thread(self._wait_for_run)

    def _wait_for_events(self, answered: dict[str, int]) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while missing := self._missing(answered):
            if time.monotonic() > deadline:
                raise UnavailableError(
                    f"The loop did not get on within {PATIENCE_SECONDS:g} s: {missing}.",
                    "See `driftloop status` and `driftloop logs`.",
                )
            time.sleep(POLL_SECONDS)

    def _missing(self, answered: dict[str, int]) -> str:
        """What has not come yet, in words; empty if nothing."""
        if self._awaited and (waiting := self._unstored_labels()):
            return f"{waiting} labels are not in the event log"
        told = 0
        for version, rows in answered.items():
            stored = self.log.listed(self.log.windows_prefix(version))
            whole = sum(not uri.endswith("-labelled.parquet") for uri in stored)
            due = (rows + self.counted.get(version, 0)) // self.spec.drift.window_rows
            if whole < due:
                return f"version {version} has {whole} of {due} windows"
            told += len(stored)
        decided = self._decided()
        return f"{decided} of {told} windows are decided on" if decided < told else ""

    def _unstored_labels(self) -> int:
        now = datetime.now(UTC)
        listed = set(self.log.names(self.log.labels_prefix, self._since))
        for uri in listed - self._read:
            self._stored.update(self.log.read(uri, [ROW_ID])[ROW_ID].to_pylist())
        self._read = listed
        self._since = now - OVERLAP
        self._awaited -= self._stored
        return len(self._awaited)

    def _decided(self) -> int:
        """Decisions of the trigger, each once."""
        names = (uri.rpartition("/")[2] for uri in self.log.listed(self.log.decisions_prefix))
        return len({name.rpartition("-")[2] for name in names if f"-{Retrain.name}-" in name})

    def _wait_for_run(self) -> None:
        while (step := self.stage()) is not None:
            if step == "rollout" and self.has_canary():
                self.tell("a canary is looked at")
                time.sleep(ROLLOUT_DAY_SECONDS)
                return
            self.tell(f"a training run is at {step}")
            time.sleep(RUN_POLL_SECONDS)
