"""What is no request, or too much of one, is refused with the reason, and harms nobody else."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from connection_parts import GET, POST, Serving, serving

MOST = 1000
"""Bytes of a body."""


@pytest.fixture(scope="module")
def server() -> Iterator[Serving]:
    """One for all tests, which is still there after each."""
    with serving(
        max_body_bytes=MOST, max_head_bytes=2000, max_headers=20, max_url_bytes=500, linger_seconds=10
    ) as running:
        yield running


@pytest.fixture(autouse=True)
def _still_serves(server: Serving) -> Iterator[None]:
    yield
    assert server.client().ask(POST).status == 200


@pytest.mark.parametrize(
    ("sent", "status", "words"),
    [
        (b"hello\r\n\r\n", 400, "This is not HTTP/1.1"),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400, "This is not HTTP/1.1"),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, "This is not HTTP/1.1"),
        (b"GET / HTTP/1.1\r\n\r\n", 400, "no header Host"),
        (b"GET / HTTP/1.1\r\nhost: a\r\nx : 1\r\n\r\n", 400, "This is not HTTP/1.1"),
        (b"GET / HTTP/1.1\r\nhost: a\r\nx: 1\r\n folded\r\n\r\n", 400, "This is not HTTP/1.1"),
        (b"GET / HTTP/1.1\r\nhost: a\r\nx: \x01\r\n\r\n", 400, "This is not HTTP/1.1"),
        (b"GET / HTTP/1.1\nhost: a\n\n", 400, "This is not HTTP/1.1"),
        (b"GET /\xc3\xa9 HTTP/1.1\r\nhost: a\r\n\r\n", 400, "This is not HTTP/1.1"),
        (b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: -1\r\n\r\n", 400, "Content-Length"),
        (b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 9" + b"9" * 30 + b"\r\n\r\n", 400, "Content-Length"),
        (b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: " + b"0" * 1500 + b"1\r\n\r\n", 400, "fewer digits"),
        (b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ncontent-length: 1\r\n\r\n", 400, "Content-Length"),
        (
            b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n",
            400,
            "Transfer-Encoding",
        ),
        (b"POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: gzip\r\n\r\n", 400, "Transfer-Encoding"),
        (b"POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\n", 400, "This is not HTTP/1.1"),
        (b"POST / HTTP/1.1\r\nhost: a\r\nexpect: a miracle\r\n\r\n", 417, "expected 100-continue"),
        (b"CONNECT a:1 HTTP/1.1\r\nhost: a\r\n\r\n", 405, "CONNECT"),
        (b"GET /" + b"a" * 500 + b" HTTP/1.1\r\nhost: a\r\n\r\n", 414, "at most 500 bytes"),
        (b"GET /" + b"a" * 500, 414, "at most 500 bytes"),
        (b"GET / HTTP/1.1\r\nhost: a\r\nx: " + b"a" * 2000 + b"\r\n\r\n", 431, "at most 20, and 2000 bytes"),
        (
            b"GET / HTTP/1.1\r\nhost: a\r\n" + b"".join(b"x%d: 1\r\n" % n for n in range(20)) + b"\r\n",
            431,
            "at most 20",
        ),
        (b"GET / HTTP/1.1\r\nhost: a\r\n" + b"x:\r\n" * 2001, 431, "2000 bytes"),
        (
            b"POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n0\r\n" + b"x:\r\n" * 2001,
            431,
            "2000 bytes",
        ),
        (b"GET / HTTP/1.1\r\nhost: a\r\nx-request-timeout-ms: soon\r\n\r\n", 400, "x-request-timeout-ms is 'soon'"),
        (
            b"GET / HTTP/1.1\r\nhost: a\r\nx-envoy-expected-rq-timeout-ms: 0\r\n\r\n",
            400,
            "whole number of milliseconds",
        ),
    ],
)
def test_refused(server: Serving, sent: bytes, status: int, words: str) -> None:
    """A bad request is answered with its status and the reason as JSON, then the connection ends."""
    client = server.client()
    answer = client.ask(sent)
    assert (answer.status, answer.headers["connection"]) == (status, "close")
    assert words in answer.json()["error"]
    assert client.closed()


def test_what_came_before_a_bad_request_is_answered(server: Serving) -> None:
    """Good requests before a bad one are answered first."""
    client = server.client().send(POST + GET + b"nonsense\r\n\r\n" + POST)
    assert [client.answer().status for _ in range(3)] == [200, 200, 400]
    assert client.closed()


def test_a_header_that_never_ends(server: Serving) -> None:
    """A header that comes in parts and does not end is refused when it is too long."""
    client = server.client().send(b"GET / HTTP/1.1\r\nhost: a\r\nx: ")
    assert client.answer_to_endless(b"a" * 500).status == 431


def test_chunks_that_are_all_extension(server: Serving) -> None:
    """A chunk's extension that does not end is refused when it is too long."""
    client = server.client().send(b"POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n1;")
    assert client.answer_to_endless(b"a" * 500).status == 431


@pytest.mark.parametrize("coding", ["xchunked", "chunked, gzip", "\xe9"])
def test_an_upgrade_with_a_wrong_body(server: Serving, coding: str) -> None:
    """A body that cannot be read is refused, too, of a client that offers another protocol."""
    asks = "POST /echo HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: h2c\r\n"
    client = server.client()
    client.send(f"{asks}transfer-encoding: {coding}\r\n\r\n2\r\nhi\r\n0\r\n\r\n".encode("latin-1"))
    assert client.answer().status == 400
    assert client.closed()


@pytest.mark.parametrize("framing", ["length", "chunks"])
@pytest.mark.parametrize("size", [MOST + 1, MOST * 4])
def test_too_large_a_body_is_drained(server: Serving, framing: str, size: int) -> None:
    """A body some times too large is read to its end, refused with 413, and the connection goes on."""
    head = b"POST /echo HTTP/1.1\r\nhost: a\r\n"
    if framing == "length":
        sent = head + b"content-length: %d\r\n\r\n" % size + b"x" * size
    else:
        sent = head + b"transfer-encoding: chunked\r\n\r\n%x\r\n" % size + b"x" * size + b"\r\n0\r\n\r\n"
    client = server.client()
    answer = client.ask(sent)
    assert (answer.status, answer.json()["error"]) == (413, "The body is too large; expected at most 1000 bytes.")
    assert client.ask(POST).json()["body"] == "hi"


def test_a_body_of_the_bound_is_taken(server: Serving) -> None:
    """The bound itself is not too large."""
    sent = b"POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: 1000\r\n\r\n" + b"x" * MOST
    assert server.client().ask(sent).json()["body"] == "x" * MOST


def test_far_too_large_a_body_is_refused_at_once(server: Serving) -> None:
    """A body many times too large is refused by its announced length, before it is sent, and the connection ends."""
    client = server.client()
    answer = client.ask(b"POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: 4001\r\n\r\n")
    assert (answer.status, answer.headers["connection"]) == (413, "close")
    assert client.closed()


def test_chunks_without_end_are_refused(server: Serving) -> None:
    """A body in chunks that goes on and on is refused when it is many times too large."""
    client = server.client().send(b"POST /echo HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n")
    answer = client.ask(b"400\r\n" + b"x" * 1024 + b"\r\n" + b"fff\r\n" + b"x" * 4095)
    assert (answer.status, answer.headers["connection"]) == (413, "close")
    assert client.closed()


def test_too_large_a_body_is_not_even_sent(server: Serving) -> None:
    """A client that waits for a go-ahead gets 413 instead."""
    client = server.client()
    answer = client.ask(b"POST /echo HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 1001\r\n\r\n")
    assert answer.status == 413
    assert client.closed()
