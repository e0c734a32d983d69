"""Clients that are slow, silent, deaf or many hold neither the server nor its memory."""

from __future__ import annotations

import socket

import pytest
from connection_parts import GET, POST, Client, serving, wait_until

SOON = 0.15


@pytest.mark.parametrize("sent", [b"G", b"GET / HTTP/1.1\r\nhost: a\r\nx: "])
def test_a_head_that_does_not_end_in_time(sent: bytes) -> None:
    """A request whose headers do not come in time is refused with 408, also after a good one."""
    with serving(head_seconds=1) as server:
        for before in (b"", POST):
            client = server.client().send(before + sent)
            if before:
                assert client.answer().status == 200
            answer = client.answer()
            assert (answer.status, answer.headers["connection"]) == (408, "close")
            assert client.closed()


def test_a_head_that_comes_byte_by_byte() -> None:
    """Bytes that go on dribbling in do not lengthen the time."""
    with serving(head_seconds=1) as server:
        client = server.client().send(b"GET / HTTP/1.1\r\nx: ")
        assert client.answer_to_endless(b"a").status == 408


@pytest.mark.parametrize(
    "sent", [POST[:-1], b"POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n"]
)
def test_a_body_that_does_not_end_in_time(sent: bytes) -> None:
    """A request whose body does not come in time is refused with 408."""
    with serving(body_seconds=SOON) as server:
        client = server.client()
        assert client.ask(sent).status == 408
        assert client.closed()


def test_an_idle_connection_ends() -> None:
    """A connection on which nothing is asked for is closed, without an answer that nobody asked for."""
    with serving(idle_seconds=SOON) as server:
        client = server.client()
        assert client.ask(GET).status == 200
        assert client.closed()


def test_a_connection_that_never_asks_ends() -> None:
    """A connection without a single byte is closed."""
    with serving(head_seconds=SOON) as server:
        assert server.client().closed()


def test_an_answer_under_way_is_no_idleness() -> None:
    """A client that waits for its answer is not sent away, however long that takes."""
    with serving(idle_seconds=0.05) as server:
        client = server.client().send(GET + POST.replace(b"/echo", b"/held"))
        assert client.answer().status == 200
        idle = server.client()
        assert idle.ask(GET).status == 200
        assert idle.closed()  # the other's deadline, were it idle, has passed before
        server.let_go()
        assert client.answer().status == 200


def _deaf(port: int) -> Client:
    """A client with next to no room for answers."""
    client = Client.__new__(Client)
    client.socket = socket.socket()
    client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.socket.connect(("127.0.0.1", port))
    return client


def test_a_client_that_does_not_read_is_cut_off() -> None:
    """A client that leaves its answer unread is not read either, and is cut off."""
    with serving(send_seconds=0.3) as server, _deaf(server.port).socket as deaf:
        asks = b"GET /bytes/5000000 HTTP/1.1\r\nhost: a\r\n\r\n"
        deaf.sendall(asks * 100)
        wait_until(lambda: server.server.tally.cut == 1)
        wait_until(lambda: server.server.open_connections == 0)
        assert len(server.handling.handled) == 1  # the others were not even begun
        assert server.client().ask(POST).status == 200


def test_a_client_that_reads_its_last_answer_late_gets_it_whole() -> None:
    """The last answer of a connection is sent to its end before the server hangs up, and then it does hang up."""
    with serving(send_seconds=30, linger_seconds=0.1, max_body_bytes=10_000) as server:
        client = server.client().send(b"GET /bytes/9000000 HTTP/1.1\r\nhost: a\r\n\r\n" + b"nonsense\r\n\r\n")
        idle = server.client().send(b"nonsense\r\n\r\n")
        wait_until(lambda: server.server.open_connections == 1)  # the second has lingered long enough
        assert len(client.answer().body) == 9_000_000
        assert client.answer().status == idle.answer().status == 400
        wait_until(lambda: server.server.open_connections == 0)


def test_unread_answers_count_as_held() -> None:
    """Answers that clients do not take count against the bound of bytes, so that new work is refused."""
    with serving(send_seconds=30, max_held_bytes=200_000, max_body_bytes=1000) as server:
        with _deaf(server.port).socket as deaf:
            deaf.sendall(b"GET /bytes/9000000 HTTP/1.1\r\nhost: a\r\n\r\n")
            client = server.client()
            wait_until(lambda: client.ask(POST).status == 503)
        wait_until(lambda: client.ask(POST).status == 200)


def test_connections_are_bounded() -> None:
    """One connection more than the bound is answered with 503, and there is a place again when one ends."""
    with serving(max_connections=2) as server:
        first, second = server.client(), server.client()
        assert first.ask(GET).status == second.ask(GET).status == 200
        answer = server.client().answer()
        assert (answer.status, answer.headers["retry-after"]) == (503, "1")
        first.close()
        wait_until(lambda: server.server.open_connections == 1)
        assert server.client().ask(GET).status == 200


def test_a_client_that_goes_on_sending_after_its_refusal() -> None:
    """After a bad request a client may go on sending for a while without a reset, but not without end."""
    with serving(max_body_bytes=1000, linger_seconds=30) as server:
        client = server.client().send(b"nonsense\r\n\r\n")
        client.send(b"x" * 1000)
        assert client.answer().status == 400
        with pytest.raises(ConnectionError):
            client.send(b"x" * 100_000_000)


def test_bodies_that_come_in_are_held_within_a_bound() -> None:
    """Bodies that are not whole yet count against the bound of bytes; what is too much is refused, not kept."""
    with serving(max_body_bytes=100_000, max_held_bytes=150_000) as server:
        head = b"POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: 100000\r\n\r\n"
        slow = server.client().send(head + b"x" * 90_000)
        late = server.client()
        wait_until(lambda: server.server.admission.held_bytes == 90_000)
        answer = late.ask(head + b"x" * 100_000)
        assert answer.status == 503
        assert slow.ask(b"x" * 10_000).status == 200
        assert late.ask(head + b"x" * 100_000).status == 200


def test_who_leaves_is_forgotten() -> None:
    """Clients that go away in the middle of a request, or while it waits, leave nothing behind."""
    with serving() as server:
        for sent in (b"", b"GET", POST[:-1], POST.replace(b"/echo", b"/held"), POST.replace(b"/echo", b"/held") * 3):
            server.client().send(sent).close()
        server.let_go()
        wait_until(lambda: server.server.open_connections == 0)
        wait_until(lambda: server.server.admission.held_bytes == 0)
        assert server.client().ask(POST).status == 200
