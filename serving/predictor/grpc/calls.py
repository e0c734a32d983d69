"""The calls of one connection: what libnghttp2 tells of their streams, until each is answered or refused."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import ngh2

from serving.errors import DeadlineError, NotReadyError, ServingError
from serving.predictor.batches import Asked
from serving.predictor.grpc.call import Call
from serving.predictor.grpc.framing import unframed
from serving.predictor.grpc.head import Head, parse
from serving.predictor.grpc.host import Host
from serving.predictor.grpc.replies import Replies
from serving.predictor.grpc.service import INFER


class Calls:
    """Answers small requests at once; what takes longer is waited for beside the others, and `flush` called after."""

    def __init__(self, host: Host, http2: ngh2.Connection, flush: Callable[[], None]) -> None:
        self._host, self._flush = host, flush
        self.replies = Replies(http2, host.observe)
        self._open: dict[int, Call] = {}
        self._together: list[tuple[Call, Asked[bytes]]] = []
        """Calls that came with the same bytes and may be answered by one prediction."""
        self._last_headers: tuple[Any, ...] = ()
        self._last_head: Head | None = None
        self.now = time.perf_counter()
        """When the bytes that are being read came."""

    def begin(self, event: ngh2.RequestReceived) -> None:
        """A call's headers came."""
        try:
            head = self._head_of(event.headers)
            if not head.is_grpc:
                self.replies.refuse_http(event.stream_id)
                return
            self._host.service.require(head.path)
            call = Call(event.stream_id, head, self.now, self._host.traffic)
        except ServingError as error:
            self.replies.refuse_stream(event.stream_id, error, is_complete=event.end_stream)
            return
        self._open[event.stream_id] = call
        if event.end_stream:
            self._complete(call)

    def take(self, event: ngh2.DataReceived) -> None:
        """A piece of a call's message came."""
        call = self._open.get(event.stream_id)
        if call is None or call.answered:
            return
        try:
            call.add(event.data, self._host.bounds.message_bytes)
        except ServingError as error:
            call.completed = self.now if event.end_stream else 0.0
            self.replies.refuse(call, error)
            return
        if event.end_stream:
            self._complete(call)

    def end(self, event: ngh2.TrailersReceived) -> None:
        """A call's message is complete, without the last piece's having said so."""
        call = self._open.get(event.stream_id)
        if call is not None and not call.answered:
            self._complete(call)

    def close(self, event: ngh2.StreamClosed) -> None:
        """All was sent, or the client gave the call up."""
        self.replies.forget(event.stream_id)
        call = self._open.pop(event.stream_id, None)
        if call is not None:
            call.leave()

    def answer_together(self) -> None:
        """Answer what was kept to be answered by one prediction."""
        if not self._together or self._host.batches is None:
            return
        waiting = [(call, asked) for call, asked in self._together if not call.answered]  # not given up meanwhile
        self._together = []
        outcomes = self._host.batches.answer([asked for _, asked in waiting])
        for (call, _), outcome in zip(waiting, outcomes, strict=True):
            self._settle(call, outcome)

    def forget(self) -> None:
        """The connection is lost."""
        for call in self._open.values():
            call.leave()
        self._open.clear()

    def sweep(self, now: float) -> None:
        """Give up the calls whose clients take too long."""
        bounds = self._host.bounds
        for call in list(self._open.values()):
            if call.answered and call.since < now - bounds.send_seconds:
                self.replies.reset(call.stream, ngh2.ErrorCode.CANCEL)
            elif not call.answered and not call.completed and call.since < now - bounds.body_seconds:
                self.replies.refuse(call, DeadlineError("The rest of the message did not come in time."))

    def refuse_all(self) -> None:
        """UNAVAILABLE for whatever is under way."""
        for call in [call for call in self._open.values() if not call.answered]:
            self.replies.refuse(call, NotReadyError("The server is ending."))

    def _head_of(self, headers: tuple[Any, ...]) -> Head:
        """A client's calls mostly have the same headers as the one before."""
        if self._last_head is None or headers != self._last_headers:
            self._last_head, self._last_headers = parse(headers), headers
        return self._last_head

    def _complete(self, call: Call) -> None:
        call.completed = self.now
        service, head = self._host.service, call.head
        try:
            if call.deadline is not None and time.perf_counter() > call.deadline:
                raise DeadlineError("The call's deadline has passed.")
            message = unframed(call.body(), head.encoding, self._host.bounds.message_bytes)
            if self._host.batches is not None and head.path == INFER:
                asked = Asked(service.exchange_of(message), head.metadata, call.deadline)
                self._together.append((call, asked))
                return
            outcome = service.answer(head.path, message, head.metadata, call.deadline)
        except Exception as error:  # noqa: BLE001 - the edge of the process: whatever happens, the call is ended
            self.replies.refuse(call, error)
            return
        self._settle(call, outcome)

    def _settle(self, call: Call, outcome: bytes | Awaitable[bytes] | Exception) -> None:
        if isinstance(outcome, bytes):
            self.replies.answer(call, outcome)
        elif isinstance(outcome, Exception):
            self.replies.refuse(call, outcome)
        else:
            asyncio.ensure_future(outcome).add_done_callback(partial(self._finish, call))

    def _finish(self, call: Call, done: asyncio.Future[bytes]) -> None:
        error = done.exception()
        if call.answered:  # the client went away meanwhile
            return
        if error is None:
            self.replies.answer(call, done.result())
        elif isinstance(error, Exception):
            self.replies.refuse(call, error)
        self._flush()
