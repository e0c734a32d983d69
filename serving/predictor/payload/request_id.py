"""The id of a request, and whether it is in the sample."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Mapping

HEADER = "x-request-id"
MAX_LENGTH = 1000
"""So that a row's id, which has the row's index too, is no longer than payload events allow."""
_random = random.Random()  # noqa: S311 - unique, not secret; os.urandom would be a system call a request


def request_id(own: str | None, headers: Mapping[str, str] | None) -> str:
    """The id in the request's body, else in its header, else a new uuid4. One that is too long has a digest instead."""
    found = own or (headers or {}).get(HEADER)
    if not found:
        return new_id()
    return found if len(found) <= MAX_LENGTH else hashlib.sha256(found.encode()).hexdigest()


def new_id() -> str:
    """A uuid4, at a tenth of the standard library's price."""
    value = _random.getrandbits(128) & ~(0xF << 76) & ~(0x3 << 62) | (4 << 76) | (2 << 62)  # RFC 9562: version, variant
    digits = f"{value:032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def is_sampled(request: str, share: float) -> bool:
    """Whether a request is in the sample: always the same for the same id, in every process."""
    if share >= 1:
        return True
    digest = hashlib.sha256(request.encode()).digest()
    return int.from_bytes(digest[:8]) < share * 2**64
