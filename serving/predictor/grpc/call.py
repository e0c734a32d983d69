"""One call on its way from its headers to its answer."""

from __future__ import annotations

from serving.predictor.grpc.bounds import Traffic
from serving.predictor.grpc.codes import ExhaustedError
from serving.predictor.grpc.framing import require_room
from serving.predictor.grpc.head import Head


class Call:
    """Collects the call's message. Counts in the server's traffic until `leave`."""

    __slots__ = ("_chunks", "_size", "_traffic", "answered", "completed", "deadline", "head", "since", "stream")

    def __init__(self, stream: int, head: Head, now: float, traffic: Traffic) -> None:
        if not traffic.enter():
            raise ExhaustedError("Too many calls are under way.", "Try again later.")
        self.stream = stream
        self.head = head
        self.deadline = None if head.timeout_seconds is None else now + head.timeout_seconds
        self.since = now
        """When its headers came, and once it is answered, when it was; in time.perf_counter()'s seconds."""
        self.completed = 0.0
        """When the client had sent all; 0: it has not."""
        self.answered = False
        self._chunks: list[bytes] = []
        self._size = 0
        self._traffic = traffic

    def add(self, data: bytes, limit: int) -> None:
        """Take a piece of the message. ExhaustedError if it, or what waits of all calls together, becomes too large."""
        if not self._traffic.hold(len(data)):
            raise ExhaustedError("Too many bytes of messages are waiting.", "Try again later.")
        self._chunks.append(data)
        self._size += len(data)
        require_room(self._chunks[0], self._size, limit)

    def body(self) -> bytes:
        """All that was taken."""
        return b"".join(self._chunks)

    def leave(self) -> None:
        """The call is over for the server: it is answered, refused or given up."""
        if not self.answered:
            self.answered = True
            self._traffic.leave()
            self._traffic.release(self._size)
            self._chunks = []
