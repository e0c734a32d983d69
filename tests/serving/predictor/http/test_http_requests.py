"""Requests of every form that HTTP/1.1 allows are answered, in their order."""

from __future__ import annotations

import http.client
import socket
from collections.abc import Iterator

import h11
import pytest
from connection_parts import GET, POST, Serving, serving, wait_until


@pytest.fixture(scope="module")
def server() -> Iterator[Serving]:
    """One for all tests that change nothing."""
    with serving(max_body_bytes=100_000) as running:
        yield running


def test_keep_alive(server: Serving) -> None:
    """A connection serves one request after the other."""
    client = server.client()
    for _ in range(3):
        answer = client.ask(POST)
        assert (answer.status, answer.json()["body"], answer.json()["method"]) == (200, "hi", "POST")
        assert "connection" not in answer.headers
    client.close()


def test_keep_alive_of_heads_and_bodies_apart(server: Serving) -> None:
    """However many requests come with a head and then a body, as many clients send them, none is refused for those
    before it.
    """
    client = server.client()
    head = b"POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\nexpect: 100-continue\r\n"
    head += b"x-a: " + b"a" * 1000 + b"\r\n\r\n"
    for _ in range(100):
        assert client.ask(head).status == 100  # so the head was read by itself
        assert client.ask(b"hi").status == 200
    client.close()


def test_headers(server: Serving) -> None:
    """Names come in lower case, values as they are, an empty one too; of one name the last counts."""
    told = server.client().ask(b"GET /echo HTTP/1.1\r\nHost: a\r\nX-A: One \r\nx-a:  Two\r\nX-Empty:\r\n\r\n").json()
    assert told["headers"] == {"host": "a", "x-a": "Two", "x-empty": ""}


@pytest.mark.parametrize(
    ("address", "path"),
    [
        ("/a%20b%2Fc", "/a%20b%2Fc"),
        ("/a?b=%20&c", "/a"),
        ("/?a?b", "/"),
        ("/a#b?c", "/a"),
        ("http://host:80/a/b?c=http://d", "/a/b"),
        ("http://host", "/"),
        ("/a?http://b", "/a"),
        ("/http://b", "/http://b"),
    ],
)
def test_addresses(server: Serving, address: str, path: str) -> None:
    """The path is given as it was sent, without query, fragment, or the host that a proxy writes before it."""
    told = server.client().ask(f"GET {address} HTTP/1.1\r\nhost: a\r\n\r\n".encode()).json()
    assert told["path"] == path


def test_answers_are_dated_and_measured(server: Serving) -> None:
    """An answer has its length, its type and the date."""
    answer = server.client().ask(GET)
    assert int(answer.headers["content-length"]) == len(answer.body)
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["date"].endswith(" GMT")


def test_head_has_no_body(server: Serving) -> None:
    """HEAD is answered like GET, without the body, and the connection goes on."""
    client = server.client()
    answer = client.send(b"HEAD /bytes/1000 HTTP/1.1\r\nhost: a\r\n\r\n").answer(body=False)
    assert (answer.status, answer.headers["content-length"]) == (200, "1000")
    assert client.ask(GET).status == 200


def test_heads_and_bodies_apart(server: Serving) -> None:
    """A client that sends each head before its body, as most libraries do, may do so for ever on one connection."""
    client = server.client()
    head = b"POST /echo HTTP/1.1\r\nhost: a\r\nx: " + b"a" * 4000 + b"\r\ncontent-length: 2\r\n\r\n"
    for _ in range(20):
        client.send(GET + head)
        assert client.answer().status == 200  # by now the head was read
        assert client.ask(b"hi").json()["body"] == "hi"


@pytest.mark.parametrize("size", [0, 1, 16 * 1024, 16 * 1024 + 1, 5_000_000])
def test_answers_of_any_size(server: Serving, size: int) -> None:
    """Small and large answers arrive whole."""
    assert len(server.client().ask(f"GET /bytes/{size} HTTP/1.1\r\nhost: a\r\n\r\n".encode()).body) == size


def test_pipelined_requests_are_answered_in_order(server: Serving) -> None:
    """Requests that are sent ahead are answered in their order, GET and POST alike."""
    client = server.client()
    asked = [f"/echo/{number}" for number in range(2000)]
    client.send(
        b"".join(
            f"{'POST' if number % 3 else 'GET'} {path} HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n\r\n".encode()
            for number, path in enumerate(asked)
        )
    )
    assert [client.answer().json()["path"] for _ in asked] == asked


def test_awaited_and_immediate_answers_keep_their_order() -> None:
    """An answer that is made at once waits for an earlier one that is not there yet."""
    with serving() as server:
        client = server.client().send(POST.replace(b"/echo", b"/held") + GET + POST)
        other = server.client()
        assert other.ask(GET).status == 200  # nobody else waits
        server.let_go()
        assert [client.answer().json()["path"] for _ in range(3)] == ["/held", "/echo", "/echo"]


def test_chunked_body(server: Serving) -> None:
    """A body in chunks, with extensions and a trailer, is one body; the trailer is no header."""
    client = server.client()
    told = client.ask(
        b"POST /echo HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n"
        b"3;a=b\r\nabc\r\n" + b"1\r\nd\r\n" * 2000 + b"0\r\nx-late: 1\r\n\r\n"
    ).json()
    assert told["body"] == "abc" + "d" * 2000
    assert set(told["headers"]) == {"host", "transfer-encoding"}
    assert client.ask(POST).json()["body"] == "hi"


def test_continue(server: Serving) -> None:
    """A client that waits for a go-ahead gets it, after the answers to what it sent before."""
    client = server.client()
    asks = b"POST /echo HTTP/1.1\r\nhost: a\r\nexpect: 100-Continue\r\ncontent-length: 2\r\n\r\n"
    assert client.ask(asks).status == 100
    assert client.ask(b"hi").json()["body"] == "hi"
    client.send(POST + POST + asks)
    assert [client.answer().status for _ in range(3)] == [200, 200, 100]
    assert client.ask(b"ho").json()["body"] == "ho"


def test_continue_is_owed_after_an_awaited_answer() -> None:
    """The go-ahead comes after an answer that is still awaited."""
    with serving() as server:
        client = server.client().send(
            POST.replace(b"/echo", b"/held")
            + b"POST /echo HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\n"
        )
        server.let_go()
        assert [client.answer().status for _ in range(2)] == [200, 100]
        assert client.ask(b"hi").json()["body"] == "hi"


def test_http_1_0(server: Serving) -> None:
    """HTTP/1.0 needs no Host, and its connection ends after the answer."""
    client = server.client()
    answer = client.ask(b"GET /echo HTTP/1.0\r\n\r\n")
    assert (answer.status, answer.headers["connection"]) == (200, "close")
    assert client.closed()


def test_http_1_0_that_wants_to_stay(server: Serving) -> None:
    """HTTP/1.0 may ask to stay, and is told so."""
    client = server.client()
    for _ in range(2):
        answer = client.ask(b"GET /echo HTTP/1.0\r\nconnection: keep-alive\r\n\r\n")
        assert (answer.status, answer.headers["connection"]) == (200, "keep-alive")


def test_http_1_0_is_not_told_to_continue(server: Serving) -> None:
    """HTTP/1.0 knows no go-ahead: one who asks for it is answered as if it did not."""
    sent = b"POST /echo HTTP/1.0\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\nhi"
    assert server.client().ask(sent).json()["body"] == "hi"


def test_connection_close(server: Serving) -> None:
    """A client that says close gets its answer, then the end; what it sends after that is nothing."""
    client = server.client()
    answer = client.ask(POST.replace(b"host", b"connection: close\r\nhost") + POST)
    assert (answer.status, answer.headers["connection"]) == (200, "close")
    assert client.closed()


def test_a_client_that_sends_no_more_is_answered(server: Serving) -> None:
    """A client may end its side and wait for the answers."""
    client = server.client().send(POST + POST)
    client.socket.shutdown(socket.SHUT_WR)
    assert [client.answer().status for _ in range(2)] == [200, 200]
    assert client.closed()


def test_half_a_request_behind_which_nothing_comes() -> None:
    """A client that ended its side in the middle of a request gets the answers to those before it, then the end."""
    with serving() as server:
        client = server.client().send(POST.replace(b"/echo", b"/held") + b"POST /echo HTTP/1.1\r\nhost: a\r\n")
        client.socket.shutdown(socket.SHUT_WR)
        wait_until(lambda: any(each._half_closed for each in server.server._connections))
        server.let_go()
        assert client.answer().status == 200
        assert client.closed()


@pytest.mark.parametrize(
    "framing", ["content-length: 2\r\n\r\nhi", "transfer-encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n"]
)
def test_upgrades_are_not_taken(server: Serving, framing: str) -> None:
    """Who offers to change to another protocol is answered in this one, its body read as ever."""
    client = server.client()
    asks = (
        f"POST /echo HTTP/1.1\r\nhost: a\r\nconnection: upgrade, http2-settings\r\nupgrade: h2c\r\n{framing}".encode()
    )
    client.send(asks + asks + GET)
    told = [client.answer().json() for _ in range(3)]
    assert [(one["method"], one["path"], one["body"]) for one in told] == [
        ("POST", "/echo", "hi"),
        ("POST", "/echo", "hi"),
        ("GET", "/echo", ""),
    ]
    assert told[0]["headers"]["upgrade"] == "h2c"


def test_many_upgrades_without_body(server: Serving) -> None:
    """A thousand offers at once are a thousand requests."""
    client = server.client()
    client.send(b"GET /echo HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n" * 1000)
    assert [client.answer().status for _ in range(1000)] == [200] * 1000


def test_a_handler_that_fails() -> None:
    """A handler that raises costs its own request a 500, whether it is awaited or not."""
    with serving() as server:
        client = server.client()
        server.let_go()
        for path in (b"/raise", b"/held/raise"):
            answer = client.ask(POST.replace(b"/echo", path))
            assert (answer.status, answer.json()) == (500, {"error": "The server failed to answer; its log says why."})
        assert client.ask(POST).status == 200
        assert server.server.tally.failed == 2


def test_the_standard_library_as_client(server: Serving) -> None:
    """http.client, which reads answers strictly, gets along with every method and a chunked body."""
    client = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    for method, body in (("GET", None), ("POST", b"hi"), ("HEAD", None), ("PUT", b"ho"), ("OPTIONS", None)):
        client.request(method, "/echo", body)
        answer = client.getresponse()
        assert answer.status == 200
        assert method == "HEAD" or method.encode() in answer.read()
        answer.read()
    client.request("POST", "/echo", iter([b"a", b"b" * 1000]), encode_chunked=True)
    assert client.getresponse().status == 200
    client.close()


def test_h11_as_client(server: Serving) -> None:
    """h11, which holds both sides to the protocol's states, sees nothing wrong in many cycles on one connection."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
        state = h11.Connection(h11.CLIENT)
        for number in range(20):
            body = b"x" * number
            headers = [("host", "a"), ("content-length", str(number))]
            connection.sendall(state.send(h11.Request(method="POST", target="/echo", headers=headers)) or b"")
            connection.sendall((state.send(h11.Data(data=body)) or b"") + (state.send(h11.EndOfMessage()) or b""))
            statuses, event = [], state.next_event()
            while not isinstance(event, h11.EndOfMessage):
                if isinstance(event, h11.Response):
                    statuses.append(event.status_code)
                elif event is h11.NEED_DATA:
                    state.receive_data(connection.recv(65536))
                event = state.next_event()
            assert statuses == [200]
            state.start_next_cycle()
