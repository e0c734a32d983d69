"""The calls of one connection: what libnghttp2 tells of their streams, until each is answered or refused."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import ngh2

from serving.errors import NotReadyError, ServingError
from serving.predictor.grpc import answers
from serving.predictor.grpc.call import Call
from serving.predictor.grpc.codes import Code, LateError, code_of
from serving.predictor.grpc.framing import framed, unframed
from serving.predictor.grpc.head import Head, parse
from serving.predictor.grpc.host import Host

_logger = logging.getLogger(__name__)


class Calls:
    """Answers small requests at once; what takes longer is waited for beside the others, and `flush` called after."""

    def __init__(self, host: Host, http2: ngh2.Connection, flush: Callable[[], None]) -> None:
        self._host, self._http2, self._flush = host, http2, flush
        self._open: dict[int, Call] = {}
        self._last_headers: tuple[Any, ...] = ()
        self._last_head: Head | None = None
        self.now = time.perf_counter()
        """When the bytes that are being read came."""

    def begin(self, event: ngh2.RequestReceived) -> None:
        """A call's headers came."""
        try:
            head = self._head_of(event.headers)
            if not head.is_grpc:
                self._http2.send_response(event.stream_id, answers.NOT_GRPC, end_stream=True)
                return
            self._host.service.require(head.path)
            call = Call(event.stream_id, head, self.now, self._host.traffic)
        except ServingError as error:
            self._end_with(event.stream_id, error, is_complete=event.end_stream)
            self._host.observe("", code_of(error), 0.0)
            return
        except ngh2.StreamProtocolError:
            return  # the client went away meanwhile
        self._open[event.stream_id] = call
        if event.end_stream:
            self._complete(call)

    def take(self, event: ngh2.DataReceived) -> None:
        """A piece of a call's message came."""
        call = self._open.get(event.stream_id)
        if call is None or call.answered:
            return
        call.touched = self.now
        try:
            call.add(event.data, self._host.bounds.message_bytes)
        except ServingError as error:
            call.complete = event.end_stream
            self._refuse(call, error, 0.0)
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
        call = self._open.pop(event.stream_id, None)
        if call is not None:
            call.leave()

    def forget(self) -> None:
        """The connection is lost."""
        for call in self._open.values():
            call.leave()
        self._open.clear()

    def sweep(self, long_ago: float) -> None:
        """Give up the calls of which nothing was seen since."""
        for call in [call for call in self._open.values() if call.touched < long_ago]:
            if call.answered:
                self._http2.reset_stream(call.stream, ngh2.ErrorCode.CANCEL)
            elif not call.complete:
                self._refuse(call, LateError("The rest of the message did not come."), 0.0)

    def refuse_all(self) -> None:
        """UNAVAILABLE for whatever is under way."""
        for call in [call for call in self._open.values() if not call.answered]:
            self._refuse(call, NotReadyError("The server is ending."), 0.0)

    def _head_of(self, headers: tuple[Any, ...]) -> Head:
        """A client's calls mostly have the same headers as the one before."""
        if self._last_head is None or headers != self._last_headers:
            self._last_head, self._last_headers = parse(headers), headers
        return self._last_head

    def _complete(self, call: Call) -> None:
        call.complete = True
        host, head = self._host, call.head
        try:
            if call.deadline is not None and time.perf_counter() > call.deadline:
                raise LateError("The call's deadline has passed.")
            message = unframed(call.body(), head.encoding, host.bounds.message_bytes)
            answer = host.service.answer(head.path, message, head.metadata, call.deadline)
        except Exception as error:  # noqa: BLE001 - the edge of the process: whatever happens, the call is ended
            self._refuse(call, error, self.now)
            return
        if isinstance(answer, bytes):
            self._answer(call, answer, self.now)
        else:
            asyncio.ensure_future(answer).add_done_callback(partial(self._finish, call, self.now))

    def _finish(self, call: Call, started: float, done: asyncio.Future[bytes]) -> None:
        error = done.exception()
        if call.answered:  # the client went away meanwhile
            return
        if error is None:
            self._answer(call, done.result(), started)
        elif isinstance(error, Exception):
            self._refuse(call, error, started)
        self._flush()

    def _answer(self, call: Call, message: bytes, started: float) -> None:
        http2, stream = self._http2, call.stream
        call.leave()
        call.touched = now = time.perf_counter()
        try:
            http2.send_response(stream, answers.HEADERS)
            http2.send_data(stream, framed(message))
            http2.send_trailers(stream, answers.TRAILERS)
        except ngh2.StreamProtocolError:
            return  # the client went away meanwhile
        self._host.observe(call.head.path, Code.OK, now - started)

    def _refuse(self, call: Call, error: Exception, started: float) -> None:
        call.leave()
        call.touched = now = time.perf_counter()
        if not isinstance(error, ServingError):
            _logger.error("%s failed", call.head.path, exc_info=error)
            error = ServingError("The server failed to answer; its log says why.")
        self._end_with(call.stream, error, is_complete=call.complete)
        self._host.observe(call.head.path, code_of(error), now - started if started else 0.0)

    def _end_with(self, stream: int, error: ServingError, *, is_complete: bool) -> None:
        try:
            self._http2.send_response(stream, answers.refusal(error), end_stream=True)
            if not is_complete:
                self._http2.reset_stream(stream, ngh2.ErrorCode.NO_ERROR)  # after the answer: send no more
        except ngh2.StreamProtocolError:
            return  # the client went away meanwhile
