"""How the calls of one connection end: with a message, or with a status and words."""

from __future__ import annotations

import logging
import time

import ngh2

from serving.errors import ServingError
from serving.predictor.grpc import answers
from serving.predictor.grpc.call import Call
from serving.predictor.grpc.codes import Code, code_of
from serving.predictor.grpc.framing import framed
from serving.predictor.grpc.host import Observer

_logger = logging.getLogger(__name__)


class Replies:
    """Hands answers to libnghttp2, which sends them as fast as the client takes them."""

    def __init__(self, http2: ngh2.Connection, observe: Observer) -> None:
        self._http2 = http2
        self._observe = observe
        self._unwanted: set[int] = set()
        """Streams that are answered, but on which the client may go on sending."""

    def answer(self, call: Call, message: bytes) -> None:
        """End a call well."""
        http2, stream = self._http2, call.stream
        call.leave()
        call.since = now = time.perf_counter()
        try:
            http2.send_response(stream, answers.HEADERS)
            http2.send_data(stream, framed(message))
            http2.send_trailers(stream, answers.TRAILERS)
        except ngh2.NGH2Error:
            return  # the client went away meanwhile, or broke the connection
        self._observe(call.head.path, Code.OK, now - call.completed)

    def refuse(self, call: Call, error: Exception) -> None:
        """End a call with what its error stands for."""
        call.leave()
        call.since = now = time.perf_counter()
        if not isinstance(error, ServingError):
            _logger.error("%s failed", call.head.path, exc_info=error)
            error = ServingError("The server failed to answer; its log says why.")
        seconds = now - call.completed if call.completed else 0.0
        self._end_with(call.stream, error, call.head.path, seconds, is_complete=call.completed > 0)

    def refuse_stream(self, stream: int, error: ServingError, *, is_complete: bool) -> None:
        """End what did not become a call."""
        self._end_with(stream, error, "", 0.0, is_complete=is_complete)

    def refuse_http(self, stream: int) -> None:
        """End a request that is not gRPC's."""
        try:
            self._http2.send_response(stream, answers.NOT_GRPC, end_stream=True)
        except ngh2.NGH2Error:
            return  # the client went away meanwhile, or broke the connection

    def reset(self, stream: int, reason: ngh2.ErrorCode) -> None:
        """Tell the client that nothing more is sent or taken on this stream."""
        try:
            self._http2.reset_stream(stream, reason)
        except ngh2.NGH2Error:
            return  # the connection is ending, and with it the stream

    def forget(self, stream: int) -> None:
        """The stream is closed."""
        self._unwanted.discard(stream)

    def stop_senders(self) -> bool:
        """Whether there are streams whose senders are to be told to stop, which they are: after their answers."""
        for stream in self._unwanted:
            self.reset(stream, ngh2.ErrorCode.NO_ERROR)
        found = bool(self._unwanted)
        self._unwanted.clear()
        return found

    def _end_with(self, stream: int, error: ServingError, path: str, seconds: float, *, is_complete: bool) -> None:
        try:
            self._http2.send_response(stream, answers.refusal(error), end_stream=True)
        except ngh2.NGH2Error:
            return  # the client went away meanwhile, or broke the connection
        if not is_complete:
            self._unwanted.add(stream)
        self._observe(path, code_of(error), seconds)
