"""Live traffic beside a test: a replay in a process of its own, whose words are kept."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.cluster.cluster_loop import COMMAND, LOOP, SECONDS

GRACE_SECONDS = 120
"""How long after the last row its events may be under way."""
END_SECONDS = 60
AGAIN = 'while "$@"; do :; done'
"""Round after round, until one fails."""
YEAR, MONTH = ("2013-04-01", "2014-01-01"), ("2013-04-01", "2013-05-01")
"""After what the versions were trained on."""


@dataclass
class Traffic:
    """A sender of rows."""

    process: subprocess.Popen[bytes]
    log: Path
    ended_at: float | None = None
    """When it was seen to have sent everything; by the monotonic clock."""

    def said(self) -> str:
        """The last of what the sender printed."""
        return self.log.read_text(errors="replace")[-2000:]

    def deadline(self, begun: float) -> float:
        """Of a wait for what follows from the traffic: soon after its end, and not for ever."""
        if self.process.poll() is not None and self.ended_at is None:
            self.ended_at = time.monotonic()
        return begun + SECONDS if self.ended_at is None else self.ended_at + GRACE_SECONDS


@contextmanager
def small_requests(log: Path) -> Iterator[Traffic]:
    """A few rows in each, round after round of one month: what a canary is judged by."""
    words = ("--batch-rows", "5", "--clients", "1")
    with _sent(log, ("sh", "-c", AGAIN, "sh", *_replay(MONTH, *words))) as sender:
        yield sender
        assert sender.process.poll() is None, "the traffic broke off"


@contextmanager
def a_year(log: Path) -> Iterator[Traffic]:
    """Whatever follows the training days, once: what drifts."""
    with _sent(log, _replay(YEAR)) as sender:
        yield sender
        assert not sender.process.poll(), "the traffic broke off"


@contextmanager
def _sent(log: Path, command: tuple[str, ...]) -> Iterator[Traffic]:
    with log.open("wb") as file:
        sender = Traffic(subprocess.Popen(command, stdout=file, stderr=file, start_new_session=True), log)
    try:
        yield sender
    except AssertionError as error:
        error.add_note(f"The traffic said: {sender.said()}")
        raise
    finally:
        _end(sender.process)


def _replay(days: tuple[str, str], *words: str) -> tuple[str, ...]:
    return (*COMMAND, "replay", LOOP, "--start", days[0], "--end", days[1], *words)


def _end(process: subprocess.Popen[bytes]) -> None:
    """By Ctrl-C, so that it clears its files away."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGINT)
    try:
        process.wait(END_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        raise
