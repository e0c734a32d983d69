"""Whatever bytes a connection brings, and whenever the server ends it: no error, and nothing is left counted in."""

from __future__ import annotations

import asyncio
from typing import Any

import ngh2
from grpc_parts import matrix, plane_of
from hypothesis import given, settings
from hypothesis import strategies as st

from serving.predictor.grpc.bounds import Bounds, Traffic
from serving.predictor.grpc.codes import Code
from serving.predictor.grpc.connection import Connection
from serving.predictor.grpc.host import Host
from serving.predictor.grpc.service import Service
from serving.predictor.inference import Inference
from serving.predictor.readiness import Readiness

HEADERS = [
    (b":method", b"POST"),
    (b":scheme", b"http"),
    (b":path", b"/inference.GRPCInferenceService/ModelInfer"),
    (b":authority", b"test"),
    (b"content-type", b"application/grpc"),
]
BOUNDS = Bounds(10_000)
CALL = st.sampled_from(["whole", "half", "reset", "goaway"])
ENDS = st.lists(st.sampled_from(["begin_goodbye", "say_goodbye", "end", "sweep"]), max_size=3)


class Transport:
    """Takes what is written, and remembers that it was ended."""

    def __init__(self) -> None:
        self.closing = False
        self.reading = True

    def pause_reading(self) -> None:
        """See asyncio."""
        self.reading = False

    def resume_reading(self) -> None:
        """See asyncio."""
        self.reading = True

    def write(self, data: bytes) -> None:
        """See asyncio."""

    def set_write_buffer_limits(self, high: int) -> None:
        """See asyncio."""

    def is_closing(self) -> bool:
        """See asyncio."""
        return self.closing

    def close(self) -> None:
        """See asyncio."""
        self.closing = True

    abort = close


@given(
    calls=st.lists(CALL, min_size=1, max_size=4),
    wrong=st.lists(st.tuples(st.integers(24, 600), st.integers(0, 255)), max_size=3),
    piece=st.sampled_from([1, 9, 100, 10_000]),
    ends=ENDS,
)
@settings(max_examples=400, deadline=None)
def test_bytes(calls: list[str], wrong: list[tuple[int, int]], piece: int, ends: list[str]) -> None:
    """Good frames, some of whose bytes are others, in pieces."""
    data = bytearray(_frames(calls))
    for place, value in wrong:
        data[place % len(data)] = value
    asyncio.run(_fed(bytes(data), piece, ends))


def test_a_client_that_does_not_read() -> None:
    """No more of its calls are read, and after a while its connection ends; unless it reads again."""
    asyncio.run(_unread())


async def _unread() -> None:
    codes: list[Code] = []
    connection, transport = _connected(Traffic(BOUNDS), set(), codes)
    connection.data_received(_frames(["whole"]))
    connection.pause_writing()
    paused = transport.reading
    connection.resume_writing()
    connection.sweep(1e18)
    assert (paused, transport.reading, transport.closing, codes) == (False, True, False, [Code.OK])
    connection.pause_writing()
    connection.sweep(1e18)
    assert transport.closing
    connection.connection_lost(None)


def _connected(traffic: Traffic, connections: set[Connection], codes: list[Code]) -> tuple[Connection, Any]:
    service = Service(Inference(plane_of(), None), Readiness())
    connection = Connection(Host(service, BOUNDS, traffic, lambda _, code, __: codes.append(code)), connections)
    transport: Any = Transport()
    connection.connection_made(transport)
    return connection, transport


async def _fed(data: bytes, piece: int, ends: list[str]) -> None:
    codes: list[Code] = []
    traffic, connections = Traffic(BOUNDS), set[Connection]()
    connection, transport = _connected(traffic, connections, codes)
    for place in range(0, len(data), piece):
        if not transport.closing:
            connection.data_received(data[place : place + piece])
    for name in ends:
        end = getattr(connection, name)
        end(1e18) if name == "sweep" else end()
    connection.connection_lost(None)
    assert (traffic._calls, traffic._bytes, connections) == (0, 0, set())
    assert Code.INTERNAL not in codes


def _frames(calls: list[str]) -> bytes:
    client = ngh2.Connection(ngh2.Role.CLIENT)
    client.initiate_connection()
    message = matrix(1)
    for call in calls:
        if call == "goaway":
            client.send_goaway()
            break
        stream = client.send_request(HEADERS)
        client.send_data(stream, b"\0" + len(message).to_bytes(4) + message, end_stream=call != "half")
        if call == "reset":
            client.reset_stream(stream)
    return client.data_to_send()
