"""The headers around a gRPC answer."""

from __future__ import annotations

import re
import string
from urllib.parse import quote

from serving.errors import ServingError
from serving.predictor.grpc.codes import code_of
from serving.predictor.grpc.framing import ENCODINGS

_STATUS = ((b":status", b"200"), (b"content-type", b"application/grpc"))
HEADERS = (*_STATUS, (b"grpc-accept-encoding", ENCODINGS.encode()))
"""Before a message."""
TRAILERS = ((b"grpc-status", b"0"),)
"""After a message."""
NOT_GRPC = ((b":status", b"415"),)
"""To a client that does not speak gRPC."""
_PLAIN = "".join(sorted(set(string.printable) - set(string.whitespace) - {"%"})) + " "
_LENGTH = 4096
"""Characters of a message. Clients take 8 KiB of headers, and fail a call that has more."""


def refusal(error: ServingError) -> tuple[tuple[bytes, bytes], ...]:
    """All of the answer to a call that is refused."""
    code = b"%d" % code_of(error)
    return (*_STATUS, (b"grpc-status", code), (b"grpc-message", _quoted(str(error)).encode()))


def _quoted(message: str) -> str:
    quoted = quote(message, safe=_PLAIN, errors="replace")
    return quoted if len(quoted) <= _LENGTH else re.sub("%.?$", "", quoted[:_LENGTH])
