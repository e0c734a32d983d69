"""Small objects of one loop on S3 that are written once: what was read is kept in memory."""

from __future__ import annotations

from contracts.errors import DataError, UnavailableError
from contracts.objects import PAGE, ObjectStore

KEPT = 5_000
"""Objects in memory; those beyond are read again."""


class Shelf:
    """The objects under one prefix, by their names below it."""

    def __init__(self, store: ObjectStore, prefix: str) -> None:
        self._store, self._prefix = store, prefix.rstrip("/") + "/"
        self._kept: dict[str, bytes] = {}

    def add(self, name: str, body: bytes) -> bool:
        """Store an object unless it is there; whether this very body is there now.

        Of several processes that try at once with bodies of their own, one has won. A client that sent its request
        twice, because the first answer was lost, has won too.
        """
        if self._store.create(self._prefix + name, body):
            self._keep(name, body)
        return self.get(name) == body

    def put(self, name: str, body: bytes) -> None:
        """Store an object whose name follows from its content: a second time changes nothing."""
        if name not in self._kept:
            self._store.put(self._prefix + name, body)
            self._keep(name, body)

    def get(self, name: str) -> bytes:
        """An object that is there."""
        if name not in self._kept:
            try:
                self._keep(name, self._store.get(self._prefix + name))
            except DataError as error:
                raise UnavailableError(f"{self._prefix}{name} was there and is not now.", "Send it again.") from error
        return self._kept[name]

    def find(self, name: str) -> bytes | None:
        """An object, or None if it is not there."""
        if name not in self._kept and self._store.metadata(self._prefix + name) is None:
            return None
        return self.get(name)

    def names(self, after: str = "") -> list[str]:
        """Names of all objects, sorted; `after` a name, if one is given."""
        names: list[str] = []
        last = self._prefix + after
        while page := self._store.page(self._prefix, last):
            names += [found.uri.removeprefix(self._prefix) for found in page]
            if len(page) < PAGE:
                break
            last = page[-1].uri
        return names

    def _keep(self, name: str, body: bytes) -> None:
        self._kept[name] = body
        while len(self._kept) > KEPT:
            del self._kept[next(iter(self._kept))]
