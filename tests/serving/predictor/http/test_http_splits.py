"""However the network cuts a stream of bytes, it means the same; and no bytes end the server."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from connection_parts import GET, POST, Answer, Serving, serving
from hypothesis import given, settings
from hypothesis import strategies as st

from serving.predictor.http.bounds import Bounds
from serving.predictor.http.known import KnownHeads
from serving.predictor.http.message import Request, Response
from serving.predictor.http.reader import RequestReader

BOUNDS = Bounds(max_body_bytes=200, max_head_bytes=500, max_headers=10, max_url_bytes=100)
KNOWN = KnownHeads()
"""Of all examples, so that heads come first as new ones and then as known ones."""
REQUESTS = [
    POST,
    GET,
    b"\r\n" + GET,
    b"HEAD /a%20b?c=d HTTP/1.1\r\nHost: a\r\nX-Empty:\r\n\r\n",
    b"POST /c HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n02\r\nde\r\n0\r\nt: 1\r\n\r\n",
    b"POST /u HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: h2c\r\ncontent-length: 3\r\n\r\nabc",
    b"GET /w HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n",
    b"POST /large HTTP/1.1\r\nhost: a\r\ncontent-length: 300\r\n\r\n" + b"x" * 300,
    b"POST /e HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\nhi",
    b"POST /t HTTP/1.1\r\nhost: a\r\nx-request-timeout-ms: 100\r\ncontent-length: 0\r\n\r\n",
    b"GET /old HTTP/1.0\r\nconnection: keep-alive\r\n\r\n",
]
LAST = [
    b"GET / HTTP/1.0\r\n\r\n",
    b"POST / HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: 1\r\n\r\nx",
    b"nonsense\r\n\r\n",
    b"GET /" + b"a" * 100 + b" HTTP/1.1\r\n",
    b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 801\r\n\r\n",
    b"",
]


def _read(parts: list[bytes]) -> list[tuple[object, ...]]:
    """What a reader makes of bytes that come in these parts."""
    taken: list[tuple[object, ...]] = []

    def take(item: Request | Response, keep: bool) -> None:
        if isinstance(item, Response):
            taken.append((item, keep))
        else:
            patience = item.deadline and round(item.deadline - item.received, 6)
            taken.append((item.method, item.path, dict(item.headers), item.body, patience, keep))

    reader = RequestReader(BOUNDS, KNOWN, take, lambda: None)
    for part in parts:
        if not taken or taken[-1][-1]:
            reader.feed(part)
    return taken


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(REQUESTS), max_size=6), st.sampled_from(LAST), st.data())
def test_cuts_change_nothing(requests: list[bytes], last: bytes, data: st.DataObject) -> None:
    """A stream of requests means the same in one piece, byte by byte, and in any other pieces."""
    stream = b"".join(requests) + last
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=20)))
    ends = [*cuts, len(stream)]
    pieces = [stream[start:end] for start, end in zip([0, *cuts], ends, strict=True)]
    whole = _read([*requests, last] if last else requests)
    assert len(whole) >= len(requests)
    assert _read([stream]) == whole if stream else True
    assert _read([piece for piece in pieces if piece]) == whole
    assert _read([stream[place : place + 1] for place in range(len(stream))]) == whole


@pytest.mark.parametrize("garbage", [b"abc", b"\r\n\r\n", b"x\r\n\r\n", GET[:3], GET + b"abc", b"\r\n\r\n" + GET])
def test_what_is_no_request_makes_no_head_known(garbage: bytes) -> None:
    """Bytes that a good request went before mean to others what they meant before."""
    before = _read([garbage])
    _read([GET, garbage])
    assert _read([garbage]) == before


@settings(max_examples=300, deadline=None)
@given(st.lists(st.binary(max_size=60) | st.sampled_from([*REQUESTS, *LAST]), max_size=8))
def test_no_bytes_break_the_reader(parts: list[bytes]) -> None:
    """Whatever comes is a request, the refusal of one, or not whole."""
    for taken in _read([part for part in parts if part]):
        assert len(taken) == 6 or (isinstance(taken[0], Response) and 400 <= taken[0].status < 500)


@pytest.fixture(scope="module")
def server() -> Iterator[Serving]:
    """One for every stream."""
    with serving(max_body_bytes=200) as running:
        yield running


@settings(max_examples=40, deadline=None)
@given(st.binary(min_size=1, max_size=200), st.booleans())
def test_no_bytes_end_the_server(server: Serving, garbage: bytes, after_a_request: bool) -> None:
    """After any bytes on one connection the next is served, and nothing is left of the first."""
    client = server.client().send((POST if after_a_request else b"") + garbage)
    client.close()
    with_others = server.client()
    answer: Answer = with_others.ask(POST)
    with_others.close()
    assert (answer.status, answer.json()["body"]) == (200, "hi")
