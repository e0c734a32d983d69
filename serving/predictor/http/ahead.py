"""What a client has sent ahead of its answers: requests, and answers to those that are refused, in their order."""

from __future__ import annotations

from collections import deque

from serving.predictor.http.message import Request, Response


class Ahead:
    """A queue that knows how many bytes its bodies have. Each item says whether another may follow it."""

    def __init__(self) -> None:
        self._items: deque[tuple[Request | Response, bool]] = deque()
        self.held_bytes = 0
        """Of the bodies of requests."""

    def __len__(self) -> int:
        return len(self._items)

    def append(self, item: Request | Response, keep: bool) -> None:
        """Add one."""
        self._items.append((item, keep))
        self.held_bytes += _size(item)

    def refuse_last(self, answer: Response) -> None:
        """Have the newest answered so; its body is dropped."""
        item, keep = self._items.pop()
        self.held_bytes -= _size(item)
        self._items.append((answer, keep))

    def popleft(self) -> tuple[Request | Response, bool]:
        """The oldest, which is here no more."""
        item, keep = self._items.popleft()
        self.held_bytes -= _size(item)
        return item, keep

    def clear(self) -> None:
        """Forget all."""
        self._items.clear()
        self.held_bytes = 0


def _size(item: Request | Response) -> int:
    return len(item.body) if isinstance(item, Request) else 0
