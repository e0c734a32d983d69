"""A copy of every object the controllers act on, kept up to date by one watch a kind."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence

from contracts.errors import UnavailableError
from pocket.controllers.client import Client, Json
from pocket.kubernetes.kinds import Kind

PAUSE_SECONDS = 0.5
_log = logging.getLogger(__name__)


class Cache:
    """Objects by kind and <namespace>/<name>. `changed` and `wake` are set by whatever happens to one."""

    def __init__(self, client: Client, kinds: Sequence[Kind], wake: threading.Event) -> None:
        self.changed = threading.Event()
        self._wake = wake
        self._client = client
        self._lock = threading.Lock()
        self._objects: dict[str, dict[str, Json]] = {}
        self._kinds = kinds

    def start(self) -> None:
        """Follow each kind in a thread that ends with the process."""
        for kind in self._kinds:
            threading.Thread(target=self._follow, args=(kind,), daemon=True).start()

    @property
    def is_whole(self) -> bool:
        """Whether every kind has been listed once: before, nothing may be taken for absent."""
        with self._lock:
            return len(self._objects) == len(self._kinds)

    def all(self, kind: str) -> dict[str, Json]:
        """The objects of a kind that are not being deleted."""
        with self._lock:
            found = dict(self._objects.get(kind, {}))
        return {key: obj for key, obj in found.items() if "deletionTimestamp" not in obj["metadata"]}

    def renew(self, obj: Json) -> None:
        """Take over what was just written, unless it is older than what is known, or deleted since."""
        with self._lock:
            held = self._objects[obj["kind"]]
            if _key(obj) in held and _version(held[_key(obj)]) <= _version(obj):
                held[_key(obj)] = obj

    def _follow(self, kind: Kind) -> None:
        while True:
            try:
                listed, version = self._client.list(kind)
                with self._lock:
                    self._objects[kind.name] = {_key(obj): obj for obj in listed}
                self._tell()
                for happened, obj in self._client.watch(kind, version):
                    if happened == "ERROR":
                        break
                    self._take(kind, happened, obj)
            except UnavailableError as error:
                _log.info("%s: %s", kind.plural, error)
                threading.Event().wait(PAUSE_SECONDS)

    def _take(self, kind: Kind, happened: str, obj: Json) -> None:
        with self._lock:
            if happened == "DELETED":
                self._objects[kind.name].pop(_key(obj), None)
            else:
                self._objects[kind.name][_key(obj)] = {**obj, "apiVersion": kind.api_version, "kind": kind.name}
        self._tell()

    def _tell(self) -> None:
        self.changed.set()
        self._wake.set()


def _key(obj: Json) -> str:
    return f"{obj['metadata']['namespace']}/{obj['metadata']['name']}"


def _version(obj: Json) -> int:
    return int(obj["metadata"]["resourceVersion"])
