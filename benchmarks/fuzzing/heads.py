"""What comes over an HTTP connection: heads that are wrong, framing that contradicts itself, what is no HTTP at all."""

from __future__ import annotations

from random import Random

from fuzzing.bodies import INFER, PREDICT
from fuzzing.model import NAME, VERSION
from fuzzing.mutation import damaged

_METHODS = (
    *b"GET POST HEAD PUT DELETE OPTIONS TRACE CONNECT PATCH get G\xc9T POSTPOST PRI QUERY M-SEARCH".split(),
    *(b"", b"A" * 9000),
)
_TARGETS = [
    *(path.encode() for path in (PREDICT, INFER, f"/v2/models/{NAME}", f"/v2/models/{NAME}/versions/{VERSION}/infer")),
    *(b"/", b"/v2", b"/metrics", b"/openapi.json", b"/v2/health/ready", b"/v1/models", b"/v2/repository/index"),
    *(b"*", b"", b"//", b"/%00", b"/%ff%fe", b"/%", b"/v2/models/%66lights/infer", b"/../../etc/passwd", b"http://a"),
    *(b"http://a/v2?b=c#d", b"/v2/models/\xff/infer", b"/v2/models/a\0b", b"/v2/models/" + b"a" * 9000, b"/" * 4000),
    *(b"/v2/models/flights/versions/%F0%9F/infer", b"/v2/models/%ed%a0%80/ready", b"/v1/models/%0d%0aa:predict"),
]
_VERSIONS = (b"HTTP/1.1",) * 8 + (b"HTTP/1.0", b"HTTP/2.0", b"HTTP/0.9", b"HTTP/1.2", b"HTTP/11", b"", b"http/1.1")
_LENGTHS = b"0 2 5 -1 +2 0x2 2,2 99999999999999999999999 2_0 \xb2 00000000000000000000002 300001 1200001".split()
_CODINGS = (
    *(b"chunked", b"Chunked", b" chunked ", b"chunked, chunked", b"gzip, chunked", b"chunked, gzip", b"identity"),
    *(b"xchunked", b"\x0bchunked", b"chunked;a=b", b"", b"chunked\0"),
)
_HEADERS = (
    *(b"host: b", b"host:", b"Host : a", b" folded", b"\tfolded", b": empty", b"a", b"a:" + b"b" * 40000, b"x\0: 1"),
    *(b"expect: 100-continue", b"expect: 100-continue, x", b"expect: \xe9", b"upgrade: h2c", b"connection: upgrade"),
    *(b"connection: close", b"connection: keep-alive", b"connection: close, keep-alive", b"connection: \xff"),
    *(b"accept: */*;q=\xff", b"accept: application/openmetrics-text;version=a", b"accept: ,,;;==", b"te: trailers"),
    *(b"x-request-id: \xe9\xff", b"x-request-id: " + b"i" * 3000, b"x-request-timeout-ms: -5", b"content-encoding: x"),
    *(b"x-request-timeout-ms: 99999999999", b"inference-header-content-length: \xb2", b"x-request-id:\x0b", b"a\r: b"),
    *(b"upgrade: websocket\r\nconnection: upgrade", b"http2-settings: AAMAAABk", b"\x80: 1", b"x: \x7f"),
)
_CHUNKS = (
    *(
        b"2\r\n{}\r\n0\r\n\r\n",
        b"2;a=b\r\n{}\r\n0\r\nx: 1\r\n\r\n",
        b"02\r\n{}\r\n00\r\n\r\n",
        b"0\r\n\r\n",
        b"-1\r\n{}",
    ),
    *(
        b"ffffffffffffffff\r\n",
        b"fffffffffffffffffffff\r\n{}",
        b"0x2\r\n{}\r\n0\r\n\r\n",
        b"2\n{}\n0\n\n",
        b"2 \r\n{}\r\n",
    ),
    *(b"1\r\n{}\r\n0\r\n\r\n", b"2\r\n{}0\r\n\r\n", b"2;" + b"a" * 40000, b"g\r\n", b"2\r\n{}\r\n0\r\nhost: b\r\n\r\n"),
    *(
        b"1\r\n{\r\n" + b"1\r\n \r\n" * 600 + b"1\r\n}\r\n0\r\n\r\n",
        b"\r\n",
        b"",
        b"2\r\n{}\r\n0\r\n" + b"a: b\r\n" * 300,
    ),
)


def head(random: Random) -> bytes:
    """One to three requests as one client might send them, of which most are wrong."""
    sent = b"".join(_request(random) for _ in range(random.choice((1, 1, 2, 3))))
    if random.random() < 0.3:
        sent = damaged(sent, random)
    if random.random() < 0.03:
        sent = random.randbytes(random.choice((1, 24, 2000)))
    return sent


def _request(random: Random) -> bytes:
    target = random.choice(_TARGETS)
    usual = (b"GET", b"POST", b"HEAD") if random.random() < 0.7 else _METHODS
    start = b" ".join((random.choice(usual), target, random.choice(_VERSIONS)))
    headers = [b"host: a"] if random.random() < 0.95 else []
    headers += random.choices(_HEADERS, k=random.choice((0, 0, 1, 1, 2)))
    if random.random() < 0.03:
        headers += [b"x%d: 1" % number for number in range(200)]
    body = _framed(headers, random)
    random.shuffle(headers)
    end = b"\r\n" if random.random() < 0.97 else random.choice((b"\n", b"\r", b"\r\r\n"))
    return end.join((start, *headers, b"", b"")) + body


def _framed(headers: list[bytes], random: Random) -> bytes:
    """A body, and headers that say how long it is: rightly, wrongly, or twice."""
    what = random.random()
    if what < 0.3:
        headers.append(b"content-length: 2")
        return b"{}"
    if what < 0.6:
        headers.append(b"transfer-encoding: " + (b"chunked" if what < 0.5 else random.choice(_CODINGS)))
        if what > 0.57:
            headers.append(b"content-length: " + random.choice(_LENGTHS))
        return random.choice(_CHUNKS)
    if what < 0.8:
        headers += [b"content-length: " + one for one in random.choices(_LENGTHS, k=random.choice((1, 1, 2)))]
        return b"{}" + b"G" * random.choice((0, 3))
    return b""
