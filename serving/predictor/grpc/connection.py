"""One client's connection: libnghttp2 reads and writes HTTP/2, this class makes calls of it and answers them."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, cast

import ngh2

from serving.errors import NotReadyError, ServingError
from serving.predictor.grpc import answers, head
from serving.predictor.grpc.bounds import Bounds, Traffic
from serving.predictor.grpc.call import Call
from serving.predictor.grpc.codes import Code, LateError, code_of
from serving.predictor.grpc.framing import framed, unframed
from serving.predictor.grpc.service import Service

Observer = Callable[[str, Code, float], None]
"""Told of every call that ended: its path, its status, and the seconds from its last byte, or 0 if it had none."""
_STREAM_WINDOW, _CONNECTION_WINDOW, _FRAME, _HEADER_LIST = 2**20, 2**24, 2**18, 2**14
_UNSENT = 2**18
"""Bytes that may wait for a client to read them before no more of its calls are read."""
_CONFIGURATION = ngh2.Configuration(max_inbound_header_list_size=_HEADER_LIST, max_inbound_header_count=128)
_logger = logging.getLogger(__name__)


class Connection(asyncio.Protocol):
    """Calls come in and are answered on the event loop; what takes long is waited for beside the other calls."""

    def __init__(
        self, service: Service, bounds: Bounds, traffic: Traffic, connections: set[Connection], observe: Observer
    ) -> None:
        self._service, self._bounds, self._traffic = service, bounds, traffic
        self._connections, self._observe = connections, observe
        self._http2 = ngh2.Connection(ngh2.Role.SERVER, _CONFIGURATION)
        self._calls: dict[int, Call] = {}
        self._last_headers: tuple[Any, ...] = ()
        self._last_head: head.Head | None = None
        self._greeted = False
        self._has_left = False
        self._stalled_since: float | None = None
        self._now = time.perf_counter()
        self._reactions: dict[type, Callable[[Any], None]] = {
            ngh2.RequestReceived: self._open,
            ngh2.DataReceived: self._take,
            ngh2.TrailersReceived: self._end,
            ngh2.StreamClosed: self._close,
            ngh2.SettingsReceived: self._greet,
            ngh2.PingAcknowledged: self._depart,
            ngh2.ConnectionClosed: self._hang_up,
        }
        self.closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    # What asyncio calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greet the client, unless there are too many."""
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(_UNSENT)
        if len(self._connections) >= self._bounds.connections:
            self._transport.abort()
        self._connections.add(self)
        setting = ngh2.Setting
        self._http2.initiate_connection(
            {
                setting.MAX_CONCURRENT_STREAMS: self._bounds.connection_calls,
                setting.INITIAL_WINDOW_SIZE: _STREAM_WINDOW,
                setting.MAX_FRAME_SIZE: _FRAME,
                setting.MAX_HEADER_LIST_SIZE: _HEADER_LIST,
            }
        )
        self._http2.set_local_window_size(_CONNECTION_WINDOW)
        self._flush()

    def data_received(self, data: bytes) -> None:
        """Take in what the client sent, and answer what is complete."""
        self._now = time.perf_counter()
        try:
            self._http2.receive_data(data)
        except ngh2.NGH2Error as error:
            _logger.debug("gRPC: a connection ends: %s", error)
            self._transport.abort()
            return
        self._react()
        self._flush()

    def pause_writing(self) -> None:
        """The client does not read: read no more of its calls."""
        self._stalled_since = time.perf_counter()
        self._transport.pause_reading()

    def resume_writing(self) -> None:
        """The client reads again."""
        self._stalled_since = None
        self._transport.resume_reading()

    def connection_lost(self, error: Exception | None) -> None:
        """Forget its calls."""
        self._connections.discard(self)
        for call in self._calls.values():
            call.leave()
        self._calls.clear()
        if not self.closed.done():
            self.closed.set_result(None)

    # What the server calls.

    def sweep(self, now: float) -> None:
        """Give up what the client has left lying for too long."""
        long_ago = now - self._bounds.silence_seconds
        if (self._stalled_since or now) < long_ago or (not self._greeted and self._now < long_ago):
            self._transport.abort()
            return
        for call in [call for call in self._calls.values() if call.touched < long_ago]:
            if not call.complete:
                self._refuse(call, LateError("The rest of the message did not come."), 0.0)
            elif call.answered:
                self._http2.reset_stream(call.stream, ngh2.ErrorCode.CANCEL)
        self._flush()

    def begin_goodbye(self) -> None:
        """Ask the client to open no more calls. Those on their way are still answered, then the connection ends."""
        self._http2.send_shutdown_notice()
        self._http2.ping()  # when it comes back, the client has read the notice
        self._flush()

    def say_goodbye(self) -> None:
        """Take no more calls, and end when those that came are answered."""
        self._say_no_more()
        self._flush()

    def abort(self) -> None:
        """End at once, with UNAVAILABLE for what is under way."""
        for call in [call for call in self._calls.values() if not call.answered]:
            self._refuse(call, NotReadyError("The server is ending."), 0.0)
        self._flush()
        self._transport.close()

    def _say_no_more(self) -> None:
        if not self._has_left:
            self._has_left = True
            self._http2.send_goaway()

    # What becomes of HTTP/2's events.

    def _react(self) -> None:
        for event in self._http2.events():
            reaction = self._reactions.get(type(event))
            if reaction is not None:
                reaction(event)

    def _flush(self) -> None:
        if self._transport.is_closing():
            return
        data = self._http2.data_to_send()
        if data:
            self._transport.write(data)
            self._react()  # streams close as their last byte is written

    def _open(self, event: ngh2.RequestReceived) -> None:
        stream = event.stream_id
        try:
            parsed = self._head_of(event.headers)
            if not parsed.is_grpc:
                self._http2.send_response(stream, answers.NOT_GRPC, end_stream=True)
                return
            self._service.require(parsed.path)
            call = Call(stream, parsed, self._now, self._traffic)
        except ServingError as error:
            self._end_with(stream, error, is_complete=event.end_stream)
            self._observe("", code_of(error), 0.0)
            return
        except ngh2.StreamProtocolError:
            return
        self._calls[stream] = call
        if event.end_stream:
            self._complete(call)

    def _head_of(self, headers: tuple[Any, ...]) -> head.Head:
        """A client's calls mostly have the same headers as the one before."""
        if self._last_head is None or headers != self._last_headers:
            self._last_head, self._last_headers = head.parse(headers), headers
        return self._last_head

    def _take(self, event: ngh2.DataReceived) -> None:
        call = self._calls.get(event.stream_id)
        if call is None or call.answered:
            return
        call.touched = self._now
        try:
            call.add(event.data, self._bounds.message_bytes)
        except ServingError as error:
            call.complete = event.end_stream
            self._refuse(call, error, 0.0)
            return
        if event.end_stream:
            self._complete(call)

    def _end(self, event: ngh2.TrailersReceived) -> None:
        call = self._calls.get(event.stream_id)
        if call is not None and not call.answered:
            self._complete(call)

    def _close(self, event: ngh2.StreamClosed) -> None:
        call = self._calls.pop(event.stream_id, None)
        if call is not None:
            call.leave()

    def _greet(self, event: ngh2.SettingsReceived) -> None:
        self._greeted = True

    def _depart(self, event: ngh2.PingAcknowledged) -> None:
        self._say_no_more()

    def _hang_up(self, event: ngh2.ConnectionClosed) -> None:
        self._transport.close()

    # From a complete message to its answer.

    def _complete(self, call: Call) -> None:
        call.complete = True
        parsed = call.head
        try:
            if call.deadline is not None and time.perf_counter() > call.deadline:
                raise LateError("The call's deadline has passed.")
            message = unframed(call.body(), parsed.encoding, self._bounds.message_bytes)
            answer = self._service.answer(parsed.path, message, parsed.metadata, call.deadline)
        except Exception as error:  # noqa: BLE001 - the edge of the process: whatever happens, the call is ended
            self._refuse(call, error, self._now)
            return
        if isinstance(answer, bytes):
            self._answer(call, answer, self._now)
        else:
            asyncio.ensure_future(answer).add_done_callback(partial(self._finish, call, self._now))

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
        now = call.touched = time.perf_counter()
        try:
            http2.send_response(stream, answers.HEADERS)
            http2.send_data(stream, framed(message))
            http2.send_trailers(stream, answers.TRAILERS)
        except ngh2.StreamProtocolError:
            return  # the client went away meanwhile
        self._observe(call.head.path, Code.OK, now - started)

    def _refuse(self, call: Call, error: Exception, started: float) -> None:
        call.leave()
        call.touched = now = time.perf_counter()
        if not isinstance(error, ServingError):
            _logger.error("%s failed", call.head.path, exc_info=error)
            error = ServingError("The server failed to answer; its log says why.")
        self._end_with(call.stream, error, is_complete=call.complete)
        self._observe(call.head.path, code_of(error), now - started if started else 0.0)

    def _end_with(self, stream: int, error: ServingError, *, is_complete: bool) -> None:
        try:
            self._http2.send_response(stream, answers.refusal(error), end_stream=True)
            if not is_complete:
                self._http2.reset_stream(stream, ngh2.ErrorCode.NO_ERROR)  # after the answer: send no more
        except ngh2.StreamProtocolError:
            return  # the client went away meanwhile
