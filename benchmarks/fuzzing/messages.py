"""gRPC messages written field by field, so that fields, lengths and numbers can be wrong; and the calls around them."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from random import Random

from fuzzing.model import NAME, NAMES, VERSION
from fuzzing.mutation import damaged

Field = tuple[int, "int | bytes | list[Field]"]
"""Number, and a whole number, bytes, or fields inside."""
SERVICE = "/inference.GRPCInferenceService/"
INFER = f"{SERVICE}ModelInfer"
_METHODS = (
    *(
        SERVICE + name
        for name in ["ServerLive", "ServerReady", "ModelReady", "ServerMetadata", "ModelMetadata", "ModelStreamInfer"]
    ),
    *(SERVICE + name for name in ("RepositoryModelLoad", "RepositoryModelUnload", "RepositoryIndex", "")),
    *("/grpc.health.v1.Health/Check", "/grpc.health.v1.Health/Watch", "/", "/a" * 2000, "/%ff/%00"),
)
_TEXTS = (
    b"",
    b"flights",
    b"m",
    b"label",
    b"probabilities",
    b"BYTES",
    b"FP32",
    b"FP16",
    b"UINT64",
    b"row_id",
    b"\xff\xfe",
)
_NUMBERS = (0, 1, 2, 4, 127, 128, 2**31, 2**32 - 1, 2**62, 2**63, 2**64 - 1)
_ENCODINGS = ("identity", "gzip", "deflate", "snappy", "zstd", "", "gzip, deflate", "GZIP")
_TYPES = ("application/grpc", "application/grpc+proto", "application/grpc+json", "application/json", "", "text/plain")


@dataclass(frozen=True)
class Call:
    """What one stream sends."""

    headers: dict[str, str]
    body: bytes


def call(random: Random) -> Call:
    """A call of which the message, its frame, or its headers may be wrong."""
    method = random.choice(_METHODS) if random.random() < 0.1 else INFER
    message = _encoded(_changed(_request(random), random), random)
    if random.random() < 0.15:
        message = damaged(message, random)
    return _framed(method, message, random)


def good() -> Call:
    """One that is right."""
    tensor: list[Field] = [(1, b"m"), (2, b"FP32"), (3, b"\x01\x04")]
    fields: list[Field] = [(1, NAME.encode()), (5, tensor), (7, struct.pack("<4f", 812.5, 17, 1, 0))]
    message = _encoded(fields, None)
    return Call(_headers(INFER), b"\0" + struct.pack(">I", len(message)) + message)


def _headers(method: str) -> dict[str, str]:
    about = {":method": "POST", ":scheme": "http", ":path": method, ":authority": "a", "te": "trailers"}
    return about | {"content-type": "application/grpc"}


def _framed(method: str, message: bytes, random: Random) -> Call:
    headers, flag = _headers(method), 0
    if random.random() < 0.08:
        headers["grpc-encoding"] = random.choice(_ENCODINGS)
        flag = random.choice((0, 1, 1, 2, 255))
        message = zlib.compress(message, wbits=random.choice((15, 31, -15))) if random.random() < 0.8 else message
    if random.random() < 0.04:
        headers["content-type"] = random.choice(_TYPES)
    if random.random() < 0.03:
        headers["grpc-timeout"] = random.choice(("", "-1S", "999999999S", "5x", "S", "99999999H", "1_0S"))
    if random.random() < 0.02:
        headers[random.choice(("x-request-id", "traceparent", "a-bin"))] = random.choice(("", "\xe9", "a" * 3000))
    length = len(message) + random.choice((0,) * 25 + (-1, 1, 2**20, 2**31))
    body = bytes((flag,)) + struct.pack(">I", max(0, length)) + message
    if random.random() < 0.02:
        body = random.choice((b"", b"\0", b"\0\0\0", body + body, body + b"\0" * 5))
    return Call(headers, body)


def _request(random: Random) -> list[Field]:
    raw: list[Field] = []
    inputs = _columns(random, raw) if random.random() < 0.5 else [_matrix(random, raw)]
    fields: list[Field] = [(1, NAME.encode()), *((5, one) for one in inputs), *raw]
    if random.random() < 0.2:
        fields += [(2, VERSION.encode()), (3, b"x")]
    if random.random() < 0.2:
        fields += [(6, [(1, random.choice(_TEXTS))])]
    return fields


def _matrix(random: Random, raw: list[Field]) -> list[Field]:
    rows = random.choice((1, 1, 2, 30, 201))
    wrong = random.choice((0.0,) * 8 + (float("nan"), float("inf"), 3.0, -1.0))
    content = struct.pack("<4f", 812.5, 17, wrong, 0) * rows
    tensor: list[Field] = [(1, b"m"), (2, b"FP32"), (3, _varint(rows) + b"\x04")]
    return _with_content(tensor, 6, content, random, raw)


def _columns(random: Random, raw: list[Field]) -> list[list[Field]]:
    tensors = []
    in_raw = random.random() < 0.5
    for name in (*NAMES, "row_id") if random.random() < 0.1 else NAMES:
        if name in ("carrier", "row_id"):
            tensor: list[Field] = [(1, name.encode()), (2, b"BYTES"), (3, b"\x01")]
            if in_raw:
                raw.append((7, struct.pack("<I", 2 + random.choice((0,) * 20 + (1, 2**31))) + b"UA"))
            else:
                tensor.append((5, [(8, b"UA")]))
        else:
            tensor = [(1, name.encode()), (2, b"INT64"), (3, b"\x01")]
            if in_raw:
                raw.append((7, struct.pack("<q", 7)))
            else:
                tensor.append((5, [(3, _varint(random.choice(_NUMBERS)))]))
        tensors.append(tensor)
    return tensors


def _with_content(tensor: list[Field], number: int, content: bytes, random: Random, raw: list[Field]) -> list[Field]:
    if random.random() < 0.5:
        raw.append((7, content))
    else:
        tensor.append((5, [(number, content)]))
    return tensor


def _changed(fields: list[Field], random: Random) -> list[Field]:
    for _ in range(random.choice((0, 1, 1, 2, 3))):
        inside = fields
        at = random.randrange(len(inside)) if inside else 0
        while inside and isinstance(inside[at][1], list) and inside[at][1] and random.random() < 0.8:
            inside = inside[at][1]
            at = random.randrange(len(inside))
        if inside:
            _change(inside, at, random)
    return fields


def _change(fields: list[Field], at: int, random: Random) -> None:
    number, value = fields[at]
    what = random.random()
    if what < 0.4:
        fields[at] = (
            number,
            random.choice((random.choice(_TEXTS), random.choice(_NUMBERS), _shape(random), b"a" * 2000)),
        )
    elif what < 0.55:
        fields[at] = random.choice((1, 2, 3, 4, 5, 6, 7, 8, 9, 2**28)), value
    elif what < 0.7:
        del fields[at]
    elif what < 0.85:
        fields.extend([(number, value)] * random.choice((1, 2, 100)))
    elif isinstance(value, bytes):
        fields[at] = number, damaged(value, random)


def _shape(random: Random) -> bytes:
    return b"".join(_varint(random.choice(_NUMBERS)) for _ in range(random.choice((0, 1, 2, 3))))


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)
    return bytes(out)


def _encoded(fields: list[Field], random: Random | None) -> bytes:
    out = b""
    for number, value in fields:
        if isinstance(value, int):
            out += _varint(number << 3) + _varint(value)
            continue
        inner = _encoded(value, random) if isinstance(value, list) else value
        kind, length = 2, len(inner)
        if random is not None and random.random() < 0.01:
            kind, length = random.choice((0, 1, 2, 3, 4, 5, 6, 7)), length + random.choice((-1, 1, 1000, 2**31))
        out += _varint(number << 3 | kind) + _varint(max(0, length)) + inner
    return out
