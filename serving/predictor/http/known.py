"""Heads that came before: a client mostly sends the same one again, and then there is nothing to parse."""

from __future__ import annotations

from serving.predictor.http.head import Head

END = b"\r\n\r\n"
MAX_HEADS = 1024
MAX_BYTES = 2048
"""Of a head that is kept."""


class KnownHeads:
    """Whole heads by their bytes, of all connections of a process.

    Bytes that start where a request starts mean the same each time. So a head that the parser found good needs no
    second look, if the rest of what came is as long as the body that it announces.
    """

    def __init__(self) -> None:
        self._heads: dict[bytes, Head] = {}

    def of(self, data: bytes) -> tuple[Head, bytes] | None:
        """Head and body of data that is one request with a known head."""
        end = data.find(END) + 4
        head = self._heads.get(data[:end])
        if head is None or head.length != len(data) - end:
            return None
        return head, data[end:]

    def learn(self, data: bytes, head: Head) -> bool:
        """Keep the head of data that was just parsed to the end of this one's request. Whether it was kept.

        Data of several requests is too long for the body of the last.
        """
        place = data.find(END)
        end = place + 4
        if place < 0 or head.length != len(data) - end or end > MAX_BYTES or not head.keep_alive:
            return False
        if len(self._heads) >= MAX_HEADS:
            self._heads.clear()
        self._heads[data[:end]] = head
        return True
