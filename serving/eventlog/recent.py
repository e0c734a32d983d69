"""What was seen lately: a set and a mapping that forget what came first."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Iterable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Recent(Generic[K, V]):
    """The newest `limit` keys with their values."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._values: OrderedDict[K, V] = OrderedDict()  # a dict takes ever longer to find its oldest key

    def __contains__(self, key: K) -> bool:
        return key in self._values

    def __len__(self) -> int:
        return len(self._values)

    def get(self, key: K) -> V | None:
        """The value of a key that is still known."""
        return self._values.get(key)

    def put(self, key: K, value: V) -> None:
        """Remember; a key that comes again is as old as when it came first."""
        self._values[key] = value
        if len(self._values) > self.limit:
            self._values.popitem(last=False)


class RecentSet(Recent[K, None]):
    """The newest keys."""

    def add(self, keys: Iterable[K]) -> None:
        """Remember all."""
        for key in keys:
            self.put(key, None)
