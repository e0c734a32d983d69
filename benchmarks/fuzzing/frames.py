"""HTTP/2 frames that no library would send: unknown, out of turn, too long or short, with headers that are wrong."""

from __future__ import annotations

import struct
from random import Random

from fuzzing.messages import Call, call
from fuzzing.mutation import damaged

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_DATA, _HEADERS, _RESET, _SETTINGS, _PING, _AWAY, _WINDOW, _MORE = 0, 1, 3, 4, 6, 7, 8, 9
_STREAMS = (0, 1, 1, 1, 2, 3, 3, 5, 7, 2**31 - 1)
_PAYLOADS = (
    b"",
    b"\0" * 4,
    b"\0" * 8,
    b"\xff" * 4,
    b"\0\3\0\0\0\0",
    b"\0\4\xff\xff\xff\xff",
    b"\0\5\0\0\0\1",
    b"\x82" * 99,
)
_ODD = (
    ("X-Upper", "1"),
    (":status", "200"),
    (":path", ""),
    ("connection", "close"),
    ("a", "b\r\nc"),
    ("", ""),
    ("te", "gzip"),
    (":path", "ModelInfer"),
)


def frames(random: Random) -> bytes:
    """A connection of some frames, of which most are wrong in some way."""
    sent = [_frame(_SETTINGS, 0, 0, b"")]
    for stream in (1, 3, 5)[: random.choice((1, 2, 3))]:
        sent += _of_call(stream, call(random), random)
    for _ in range(random.choice((0, 1, 1, 2, 5))):
        _change(sent, random)
    whole = PREFACE + b"".join(sent)
    return damaged(whole, random) if random.random() < 0.25 else whole


def _of_call(stream: int, made: Call, random: Random) -> list[bytes]:
    headers = list(made.headers.items())
    if random.random() < 0.2:
        headers.insert(random.randint(0, len(headers)), random.choice(_ODD))
    block = b"".join(_literal(name, value) for name, value in headers)
    if random.random() < 0.03:
        block += _literal("x", "y" * 100) * 300
    cut = random.randint(0, len(block)) if random.random() < 0.1 else len(block)
    sent = [_frame(_HEADERS, 4 if cut == len(block) else 0, stream, block[:cut])]
    if cut < len(block):
        sent.append(_frame(_MORE, 4, stream, block[cut:]))
    middle = random.randint(0, len(made.body))
    return [*sent, _frame(_DATA, 0, stream, made.body[:middle]), _frame(_DATA, 1, stream, made.body[middle:])]


def _change(sent: list[bytes], random: Random) -> None:
    at, what = random.randrange(len(sent)), random.random()
    if what < 0.5:
        kind = random.choice((*range(12), 0x42, 255))
        odd = _frame(kind, random.choice((0, 1, 4, 5, 8, 32, 255)), random.choice(_STREAMS), random.choice(_PAYLOADS))
        sent[at:at] = [odd] * random.choice((1, 1, 1, 50))
    elif what < 0.65:
        sent.append(sent.pop(at))
    elif what < 0.75:
        sent.insert(at, sent[at])
    elif what < 0.85:
        sent[at] = random.choice((b"\xff\xff\xff", b"\0\0\0", b"\4\0\0")) + sent[at][3:]
    elif what < 0.95:
        sent.insert(at, _frame(random.choice((_RESET, _PING, _AWAY, _WINDOW)), 0, random.choice(_STREAMS), b"\0" * 8))
    elif len(sent) > 1:
        del sent[at]


def _literal(name: str, value: str) -> bytes:
    """A header, neither shortened nor remembered."""
    return b"\0" + b"".join(_text(text.encode("latin-1")) for text in (name, value))


def _text(text: bytes) -> bytes:
    length = len(text)
    if length < 127:
        return bytes((length,)) + text
    rest, out = length - 127, bytearray((127,))
    while rest > 127:
        out.append(rest & 127 | 128)
        rest >>= 7
    return bytes((*out, rest)) + text


def _frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    return struct.pack(">I", len(payload))[1:] + bytes((kind, flags)) + struct.pack(">I", stream) + payload
