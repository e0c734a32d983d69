"""The id of a request, and whether it is in the sample."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Mapping

HEADER = "x-request-id"
MAX_LENGTH = 1000
"""So that a row's id, which has the row's index too, is no longer than payload events allow."""
_ELSE = ~(0xF << 76 | 0x3 << 62)
_VERSION_AND_VARIANT = 4 << 76 | 2 << 62
"""Of a uuid4, by RFC 9562."""
_random = random.Random()  # noqa: S311 - unique, not secret; os.urandom would be a system call a request


def request_id(own: str | None, headers: Mapping[str, str] | None) -> str | None:
    """The id in the request's body, else in its header, else None. One that is too long has a digest instead."""
    found = own or (headers.get(HEADER) if headers else None)
    if not found:
        return None
    return found if len(found) <= MAX_LENGTH else hashlib.sha256(found.encode()).hexdigest()


def new_id() -> bytes:
    """The bytes of a uuid4, at a tenth of the standard library's price. Its text is written when it is read."""
    value = _random.getrandbits(128) & _ELSE | _VERSION_AND_VARIANT
    return value.to_bytes(16)


def is_sampled(request: str | bytes, share: float) -> bool:
    """Whether a request is in the sample: always the same for the same id, in every process."""
    if share >= 1:
        return True
    digest = hashlib.sha256(request.encode() if isinstance(request, str) else request).digest()
    return int.from_bytes(digest[:8]) < share * 2**64
