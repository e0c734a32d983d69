"""Starts servers together, and stops those it started unless all of it went well."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from pocket import service, state
from pocket.progress import Progress, Step
from pocket.service import Begun, Service
from pocket.state import Record


class Launcher:
    """One command's starting of servers. As a context it ends what it launched, last first, unless told to keep it."""

    def __init__(self, home: Path, on_progress: Progress) -> None:
        self.home = home
        self.on_progress = on_progress
        self._undo = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._undo.__exit__(kind, error, trace)

    def begin(self, wanted: Service) -> Begun:
        """Start a server that does not run, without waiting for it."""
        before = state.read(self.home, wanted.name)
        old_token = before.token if before else ""
        self._undo.callback(self._stop_new, wanted.name, old_token)  # first: the launch may be interrupted
        return service.ensure(self.home, wanted, self.on_progress)

    def settle(self, begun: Begun | None) -> Record | None:
        """Wait until one answers."""
        return service.settle(self.home, begun, self.on_progress) if begun else None

    def on_failure(self, action: Callable[[], None]) -> None:
        """Have something done if it does not all go well, before what was begun until now is stopped."""
        self._undo.callback(action)

    def keep(self) -> None:
        """All went well: what was launched stays."""
        self._undo.pop_all()

    def stop_all(self, names: Sequence[str]) -> None:
        """Stop servers, the first before all others, then these together; told as they end."""
        for group in (names[:1], names[1:]):
            with ThreadPoolExecutor(max(1, len(group))) as pool:
                list(pool.map(self._stop_told, group))

    def stop(self, name: str) -> None:
        """Stop a server if it runs."""
        record = state.read(self.home, name)
        if record and record.token:
            service.halt(self.home, record)

    def _stop_told(self, name: str) -> None:
        self.on_progress(Step(name, "stopping"))
        self.stop(name)
        self.on_progress(Step(name, "stopped", done=True))

    def _stop_new(self, name: str, old_token: str) -> None:
        record = state.read(self.home, name)
        if record and record.token != old_token:
            self.stop(name)
