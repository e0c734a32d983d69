"""A trigger in this process that dies after so many requests to other servers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from threading import Thread
from typing import Any, TypeVar

from trigger_parts import write_loop

from contracts.loop import LoopSpec
from contracts.objects import Listed, ObjectStore
from contracts.settings import Settings
from serving.trigger.runs import Runs
from serving.trigger.service import Trigger
from serving.trigger.starter import Starter

SETTLE_SECONDS = 0.1
T = TypeVar("T")


class Killed(BaseException):
    """The end of a life: nothing catches it."""


class Life:
    """So many requests to other servers, then death, before the last is sent or after it was answered."""

    def __init__(self, requests: int = 10**9, answered: bool = False) -> None:
        self.left, self.answered = requests, answered

    def spend(self, request: Callable[[], T]) -> T:
        """Make a request, unless this life ends with it."""
        self.left -= 1
        if self.left == 0 and not self.answered:
            raise Killed
        result = request()
        if self.left == 0:
            raise Killed
        return result


class MortalStore(ObjectStore):
    """S3 as a mortal process reaches it."""

    def __init__(self, settings: Settings, life: Life) -> None:
        super().__init__(settings)
        self._life = life

    def put(self, uri: str, body: bytes) -> None:
        """A request."""
        self._life.spend(lambda: ObjectStore.put(self, uri, body))

    def create(self, uri: str, body: bytes, metadata: Any = None) -> bool:
        """A request."""
        return self._life.spend(lambda: ObjectStore.create(self, uri, body, metadata))

    def get(self, uri: str) -> bytes:
        """A request."""
        return self._life.spend(lambda: ObjectStore.get(self, uri))

    def page(self, prefix: str, after: str = "") -> list[Listed]:
        """A request."""
        return self._life.spend(lambda: ObjectStore.page(self, prefix, after))

    def metadata(self, uri: str) -> dict[str, str] | None:
        """A request."""
        return self._life.spend(lambda: ObjectStore.metadata(self, uri))


class MortalRuns(Runs):
    """The pipelines API as a mortal process reaches it."""

    def __init__(self, endpoint: str, pipeline: Path, life: Life, is_cut: bool = False) -> None:
        super().__init__(endpoint, pipeline)
        self._life, self._is_cut = life, is_cut

    def _list(self, operation: str, name: str, order: str) -> list[Any]:
        return self._life.spend(lambda: Runs._list(self, operation, name, order))

    def experiment(self, loop: str) -> str:
        """A request."""
        return self._life.spend(lambda: Runs.experiment(self, loop))

    def create(self, experiment: str, name: str, arguments: Any) -> str:
        """A request."""
        if self._is_cut:  # the process is gone, its request goes on
            Thread(target=Runs.create, args=(self, experiment, name, arguments)).start()
            raise Killed
        return self._life.spend(lambda: Runs.create(self, experiment, name, arguments))


class Place:
    """Where triggers of one loop live."""

    def __init__(self, settings: Settings, endpoint: str, folder: Path, loop: str) -> None:
        write_loop(folder, loop)
        self.settings, self.endpoint, self.loop = settings, endpoint, loop
        self.specs = {loop: LoopSpec.load(folder / f"{loop}.toml")}

    def trigger(self, owner: str, life: Life, is_cut: bool = False, settle_seconds: float = SETTLE_SECONDS) -> Trigger:
        """A process, but for HTTP."""
        runs = MortalRuns(self.endpoint, self.settings.pipeline, life, is_cut)
        starter = Starter(runs, self.specs, "commit", owner, settle_seconds)
        store = MortalStore(self.settings, life)
        about = (owner, settle_seconds / 10, self.settings.environment)
        return Trigger(store, self.settings.data_bucket, self.specs, runs, starter, *about)
