"""gRPC over plain sockets: many calls under way on one connection, or one connection for wrong frames."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Sequence

import ngh2

from fuzzing.messages import Call

_SECONDS = 30.0
_ANY_HEADERS = ngh2.Configuration(max_inbound_header_list_size=2**16)
Ended = tuple[int | None, str, bytes]
"""A call's gRPC status, or None; what is told of its end; and its message."""


class Channel:
    """A connection that stays."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._connect()

    def ask(self, calls: Sequence[Call]) -> list[Ended]:
        """How each ended. All are sent before the first answer is read."""
        streams = [self._begin(call) for call in calls]
        told: dict[int, list[str]] = {stream: [] for stream in streams}
        bodies = dict.fromkeys(streams, b"")
        waiting = set(streams)
        try:
            self._flush()
            while waiting:
                self._http2.receive_data(self._part())
                for event in self._http2.events():
                    note(event, told, bodies)
                    if isinstance(event, ngh2.StreamClosed):
                        waiting.discard(event.stream_id)
                self._flush()
        except (OSError, ngh2.NGH2Error) as error:
            for stream in waiting:
                told[stream].append(f"no answer: {error}")
            self._socket.close()
            self._connect()
        return [(status_of(told[stream]), "; ".join(told[stream]), bodies[stream]) for stream in streams]

    def _connect(self) -> None:
        self._socket = socket.create_connection(("127.0.0.1", self._port), timeout=_SECONDS)
        self._http2 = ngh2.Connection(ngh2.Role.CLIENT, _ANY_HEADERS)
        self._http2.initiate_connection()

    def _begin(self, call: Call) -> int:
        headers = [(name.encode(), value.encode("latin-1")) for name, value in call.headers.items()]
        stream = self._http2.send_request(headers)
        self._http2.send_data(stream, call.body, end_stream=True)
        return int(stream)

    def _flush(self) -> None:
        self._socket.sendall(self._http2.data_to_send())

    def _part(self) -> bytes:
        part = self._socket.recv(65536)
        if not part:
            raise ConnectionError("the server ended the connection")
        return part


def alone(port: int, sent: bytes) -> list[int]:
    """Statuses of calls that wrong frames get, until the server ends the connection. TimeoutError if it does not."""
    reader = ngh2.Connection(ngh2.Role.CLIENT, _ANY_HEADERS)
    reader.initiate_connection()
    told: dict[int, list[str]] = {}
    for _ in range(3):  # so that it knows the streams that answers may belong to
        told[
            reader.send_request([(b":method", b"POST"), (b":scheme", b"http"), (b":path", b"/"), (b":authority", b"a")])
        ] = []
    reader.data_to_send()
    with socket.create_connection(("127.0.0.1", port), timeout=_SECONDS) as connection:
        try:
            connection.sendall(sent)
            connection.shutdown(socket.SHUT_WR)
            while part := connection.recv(65536):
                with contextlib.suppress(ngh2.NGH2Error):
                    reader.receive_data(part)
        except TimeoutError:
            raise
        except OSError:
            pass  # a server may cut off who sends garbage
    for event in reader.events():
        note(event, told, {})
    return [status for status in map(status_of, told.values()) if status is not None]


def note(event: object, told: dict[int, list[str]], bodies: dict[int, bytes]) -> None:
    """Write down what an event says of its call."""
    stream = getattr(event, "stream_id", 0)
    if stream not in told:
        return
    if isinstance(event, (ngh2.ResponseReceived, ngh2.TrailersReceived)):
        wanted = (b":status", b"grpc-status", b"grpc-message")
        told[stream] += [f"{k.decode()}={v.decode('latin-1')}" for k, v in event.headers if k in wanted]
    elif isinstance(event, ngh2.DataReceived) and stream in bodies:
        bodies[stream] += event.data


def status_of(told: list[str]) -> int | None:
    """gRPC's status; for an answer of HTTP's own, that one."""
    found = {name: value for name, _, value in (one.partition("=") for one in told)}
    if "grpc-status" in found:
        return int(found["grpc-status"])
    status = int(found.get(":status", "0"))
    return status if status >= 300 else None
