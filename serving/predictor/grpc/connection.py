"""One client's connection: bytes in and out of libnghttp2, on asyncio's transport."""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Callable
from typing import Any, cast

import ngh2

from serving.predictor.grpc.calls import Calls
from serving.predictor.grpc.host import Host

_STREAM_WINDOW, _CONNECTION_WINDOW, _FRAME, _HEADER_LIST = 2**20, 2**24, 2**18, 2**14
_UNSENT = 2**18
"""Bytes that may wait for a client to read them before no more of its calls are read."""
_CONFIGURATION = ngh2.Configuration(max_inbound_header_list_size=_HEADER_LIST, max_inbound_header_count=128)
_logger = logging.getLogger(__name__)


class Connection(asyncio.Protocol):
    """From the first byte to the last. `connections` holds it as long as it lives."""

    def __init__(self, host: Host, connections: set[Connection]) -> None:
        self._bounds = host.bounds
        self._connections = connections
        self._commit = host.service.commit
        self._http2 = ngh2.Connection(ngh2.Role.SERVER, _CONFIGURATION)
        self._calls = Calls(host, self._http2, self._flush)
        self._reactions: dict[type, Callable[[Any], None]] = {
            ngh2.RequestReceived: self._calls.begin,
            ngh2.DataReceived: self._calls.take,
            ngh2.TrailersReceived: self._calls.end,
            ngh2.StreamClosed: self._calls.close,
            ngh2.SettingsReceived: self._greeted,
            ngh2.PingAcknowledged: self._answered_goodbye,
            ngh2.ConnectionClosed: self._finished,
        }
        self._patience = time.perf_counter() + self._bounds.head_seconds
        """Until when the client may take for its first words, or to read on; nothing is asked of it: for ever."""
        self._takes_calls = True
        self._made = time.perf_counter()
        self._asked = math.inf
        """When the client was asked to leave."""
        self.closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greet the client, unless there are too many."""
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(_UNSENT)
        if len(self._connections) >= self._bounds.connections:
            self._transport.abort()
        self._connections.add(self)
        self._http2.initiate_connection(
            {
                ngh2.Setting.MAX_CONCURRENT_STREAMS: self._bounds.connection_calls,
                ngh2.Setting.INITIAL_WINDOW_SIZE: _STREAM_WINDOW,
                ngh2.Setting.MAX_FRAME_SIZE: _FRAME,
                ngh2.Setting.MAX_HEADER_LIST_SIZE: _HEADER_LIST,
            }
        )
        self._http2.set_local_window_size(_CONNECTION_WINDOW)
        self._flush()

    def data_received(self, data: bytes) -> None:
        """Take in what the client sent, and answer what is complete."""
        self._calls.now = time.perf_counter()
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
        self._patience = time.perf_counter() + self._bounds.send_seconds
        self._transport.pause_reading()

    def resume_writing(self) -> None:
        """The client reads again."""
        self._patience = math.inf
        self._transport.resume_reading()

    def connection_lost(self, error: Exception | None) -> None:
        """Forget its calls."""
        self._connections.discard(self)
        self._calls.forget()
        self.closed.set_result(None)

    def sweep(self, now: float) -> None:
        """Give up what the client has left lying for too long."""
        if self._patience < now:
            self._transport.abort()
        elif not self._transport.is_closing():
            self._calls.sweep(now)
            self._flush()

    def begin_goodbye(self) -> None:
        """Ask the client to open no more calls. Those on their way are still answered."""
        if not self._transport.is_closing():
            self._asked = time.perf_counter()
            self._http2.send_shutdown_notice()
            self._http2.ping()  # when it comes back, the client has read the notice
            self._flush()

    def usher_out(self, before: float) -> None:
        """Ask the client to leave if it came before that time; insist if it was asked before that time."""
        if self._asked < before:
            self.say_goodbye()
        elif self._asked == math.inf and self._made < before:
            self.begin_goodbye()

    def say_goodbye(self) -> None:
        """Take no more calls, and end when those that came are answered."""
        if self._takes_calls and not self._transport.is_closing():
            self._takes_calls = False
            self._http2.send_goaway()
            self._flush()

    def end(self) -> None:
        """End at once; what is under way is UNAVAILABLE."""
        if not self._transport.is_closing():
            self._calls.refuse_all()
            self._flush()
            self._transport.close()

    def _react(self) -> None:
        for event in self._http2.events():
            reaction = self._reactions.get(type(event))
            if reaction is not None:
                reaction(event)
        self._calls.answer_together()

    def _flush(self) -> None:
        if self._transport.is_closing():
            return
        self._commit()
        data = self._http2.data_to_send()
        if data:
            self._transport.write(data)
        self._react()  # streams close as their last byte is written
        if self._calls.replies.stop_senders():
            self._flush()

    def _greeted(self, event: ngh2.SettingsReceived) -> None:
        self._patience = math.inf

    def _answered_goodbye(self, event: ngh2.PingAcknowledged) -> None:
        self.say_goodbye()

    def _finished(self, event: ngh2.ConnectionClosed) -> None:
        self._transport.close()
