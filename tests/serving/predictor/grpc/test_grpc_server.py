"""The server's beginning and end, its bounds, and clients that do not behave."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import grpc
import ngh2
import pytest
from grpc_parts import LARGE, SERVICE, Served, matrix, serving
from predictor_process import free_port
from raw_client import RawClient

from contracts.errors import ConfigError
from serving.predictor.address import bind
from serving.predictor.grpc.bounds import Bounds
from serving.predictor.grpc.server import GrpcServer
from serving.predictor.inference import Inference
from serving.predictor.readiness import Readiness

INFER, LIVE = SERVICE + "ModelInfer", SERVICE + "ServerLive"


def test_a_port_that_is_taken_meanwhile() -> None:
    """A configuration error that names it: two processes may have bound it before either listened."""
    with serving() as served:
        port = free_port()
        ours, other = bind("127.0.0.1", port), bind("127.0.0.1", port)
        inference = Inference(served.server._host.service._plane, None)
        server = GrpcServer(inference, ours, Bounds(1), Readiness())
        with other:
            other.listen()
            with ours, pytest.raises(ConfigError, match=f"gRPC cannot listen on 127.0.0.1:{port}"):
                served.run(server.start())


def test_drain_under_load_loses_no_call() -> None:
    """Every call that was predicted is answered; the others are UNAVAILABLE, which clients may send again."""
    with serving() as served:
        begun = threading.Semaphore(0)

        def ask() -> int:
            answered = 0
            with grpc.insecure_channel(served.address) as channel:
                infer = channel.unary_unary(INFER)
                while True:
                    try:
                        infer(matrix(1 if answered % 5 else LARGE), timeout=30)
                    except grpc.RpcError as error:
                        assert error.code() is grpc.StatusCode.UNAVAILABLE, error  # noqa: PT017 - others pass
                        return answered
                    answered += 1
                    begun.release()

        with ThreadPoolExecutor(4) as clients:
            asked = [clients.submit(ask) for _ in range(4)]
            for _ in range(100):
                begun.acquire()
            served.run(served.server.drain(2))  # clients that know nothing of it come again and again
            answered = sum(client.result() for client in asked)
        predicted = 0
        while served.model.asked.acquire(blocking=False):
            predicted += 1
        assert answered == predicted >= 100


def test_drain_waits_for_what_is_under_way() -> None:
    """And serves who comes meanwhile, until nobody does."""
    with serving(quiet_seconds=0.2) as served, grpc.insecure_channel(served.address) as channel:
        call, begun = _held(served, channel), time.perf_counter()
        with ThreadPoolExecutor(1) as aside:
            drained = aside.submit(served.run, served.server.drain(30))
            _poll(lambda: served.server._newest > begun)
            with grpc.insecure_channel(served.address) as late:
                assert late.unary_unary(LIVE)(b"", timeout=30)
            assert not drained.done()
            served.model.may_answer.set()
            assert call.result()
            drained.result()
        assert _is_refused(served.address)


def test_a_drain_asks_who_comes_late_to_leave() -> None:
    """A client that keeps its connection is no reason to wait for the end of the grace."""
    with serving(quiet_seconds=0.5) as served:
        begun = time.perf_counter()
        with ThreadPoolExecutor(1) as aside:
            drained = aside.submit(served.run, served.server.drain(600))
            _poll(lambda: served.server._newest > begun)
            with RawClient(served.address):
                drained.result()


def test_what_is_late_when_the_server_ends() -> None:
    """UNAVAILABLE."""
    with serving() as served, grpc.insecure_channel(served.address) as channel:
        call = _held(served, channel)
        served.run(served.server.drain(0))
        assert isinstance(call.exception(), grpc.RpcError)
        assert call.code() is grpc.StatusCode.UNAVAILABLE


def test_a_message_that_does_not_end() -> None:
    """A call of which nothing more comes is given up, and makes room."""
    with serving(body_seconds=0.1, calls=1) as served, RawClient(served.address) as client:
        client.ask({}, b"\0\0\0\0\5ab", ended=False)
        assert client.status() == ("4", "The rest of the message did not come in time.")
        client.ask({}, b"\0\0\0\0\0")
        assert client.status()[0] == "5"


def test_an_answer_that_nobody_takes() -> None:
    """The call is reset."""
    with serving(send_seconds=0.1) as served, RawClient(served.address) as client:
        client.http2.update_settings({ngh2.Setting.INITIAL_WINDOW_SIZE: 0})
        message = matrix(1)
        stream = client.ask({}, b"\0" + len(message).to_bytes(4) + message)
        events = client.events()
        while not any(isinstance(event, ngh2.StreamReset) and event.stream_id == stream for event in events):
            events = client.events()


def test_a_client_that_says_nothing() -> None:
    """Its connection is ended."""
    with serving(head_seconds=0.1) as served:
        host, _, port = served.address.partition(":")
        with socket.create_connection((host, int(port)), timeout=30) as client:
            _read_to_the_end(client)


def test_too_many_connections() -> None:
    """One more than there may be is ended at once."""
    with serving(connections=1) as served, RawClient(served.address):
        _poll(lambda: len(served.server._connections) == 1)
        host, _, port = served.address.partition(":")
        with socket.create_connection((host, int(port)), timeout=30) as client:
            _read_to_the_end(client)


def test_too_many_waiting_bytes() -> None:
    """A message that is not complete when all that may wait is taken is RESOURCE_EXHAUSTED."""
    with serving(waiting_bytes=1000) as served, RawClient(served.address) as client:
        head = b"\0" + (5000).to_bytes(4)
        client.ask({}, head + bytes(900), ended=False)
        client.ask({}, head + bytes(900), ended=False)
        assert client.status() == ("8", "Too many bytes of messages are waiting. Try again later.")


@pytest.mark.parametrize("body", [b"", b"\0", b"\0\0\0\0\1", b"\2\0\0\0\0", b"\0\0\0\0\0" * 2, b"\1\0\0\0\0"])
def test_not_one_message(body: bytes) -> None:
    """None, half of one, several, or one that says it is compressed and does not say how."""
    with serving() as served, RawClient(served.address) as client:
        client.ask({}, body)
        assert client.status()[0] in ("3", "12")


@pytest.mark.parametrize("headers", [{"content-type": "text/plain"}, {":method": "GET"}])
def test_not_grpc(headers: dict[str, str]) -> None:
    """Another kind of request is answered in HTTP's own words."""
    with serving() as served, RawClient(served.address) as client:
        client.ask(headers, b"{}")
        assert client.status() == ("415", "")


@pytest.mark.parametrize("said", [b"GET / HTTP/1.1\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\xff" * 200])
def test_no_http2(said: bytes) -> None:
    """Bytes of another protocol, or of none, end their connection and nothing else."""
    with serving() as served:
        host, _, port = served.address.partition(":")
        with socket.create_connection((host, int(port)), timeout=30) as client:
            client.sendall(said)
            _read_to_the_end(client)
        assert served.infer(matrix(1)).model_name == "flights"


def _held(served: Served, channel: grpc.Channel) -> grpc.Future:
    served.model.may_answer.clear()
    call = channel.unary_unary(INFER).future(matrix(LARGE), timeout=60)
    served.model.asked.acquire()
    return call


def _read_to_the_end(client: socket.socket) -> None:
    try:
        while client.recv(65536):
            pass
    except ConnectionResetError:
        pass  # an end, too


def _is_refused(address: str) -> bool:
    host, _, port = address.partition(":")
    try:
        socket.create_connection((host, int(port)), timeout=30).close()
    except ConnectionRefusedError:
        return True
    return False


def _poll(condition: Callable[[], bool]) -> None:
    while not condition():
        time.sleep(0.01)
