"""A message on a gRPC stream: a byte that says whether it is compressed, its length in four, then the message."""

from __future__ import annotations

import zlib

from serving.errors import InvalidRequestError, shown
from serving.predictor.grpc.codes import ExhaustedError, UnimplementedError

PREFIX = 5
"""Bytes before a message."""
ENCODINGS = "identity, deflate, gzip"
_WINDOWS = {"deflate": zlib.MAX_WBITS, "gzip": 16 + zlib.MAX_WBITS}


def framed(message: bytes) -> bytes:
    """The message as it is sent, uncompressed."""
    return b"\0" + len(message).to_bytes(4) + message


def require_room(first: bytes, size: int, limit: int) -> None:
    """ExhaustedError if a body that begins like this and has this many bytes so far holds too large a message."""
    announced = int.from_bytes(first[1:PREFIX]) if len(first) >= PREFIX else 0
    received = max(announced, size - PREFIX)
    if received > limit:
        raise _too_large(received, limit)


def unframed(body: bytes, encoding: str, limit: int) -> bytes:
    """The one message of a complete body, of at most so many bytes after decompression.

    InvalidRequestError, ExhaustedError or UnimplementedError says why there is none.
    """
    length = int.from_bytes(body[1:PREFIX])
    if len(body) != PREFIX + length or body[0] > 1:
        raise InvalidRequestError(
            f"The call has {len(body)} bytes that begin with {shown(body[:PREFIX])};"
            " expected one message with its length before it."
        )
    message = body[PREFIX:]
    return _decompressed(message, encoding, limit) if body[0] else message


def _decompressed(message: bytes, encoding: str, limit: int) -> bytes:
    if encoding not in _WINDOWS:
        raise UnimplementedError(f"The message is compressed with {shown(encoding)}; expected one of {ENCODINGS}.")
    reader = zlib.decompressobj(_WINDOWS[encoding])
    try:
        plain = reader.decompress(message, limit + 1)
    except zlib.error as error:
        raise InvalidRequestError(f"The message cannot be decompressed: {error}.") from error
    if len(plain) > limit:
        raise _too_large(len(plain), limit)
    if not reader.eof:
        raise InvalidRequestError("The message cannot be decompressed: it ends too early.")
    return plain


def _too_large(size: int, limit: int) -> ExhaustedError:
    return ExhaustedError(f"Received message larger than max ({size} vs. {limit}).")
