"""The id of a request, and whether it is in the sample."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Mapping

import numpy as np

HEADER = "x-request-id"
MAX_LENGTH = 1000
"""So that a row's id, which has the row's index too, is no longer than payload events allow."""
ID_BYTES = 16
_AT_ONCE = 256
"""Ids that are made together, at a fiftieth of what each alone would cost."""


def request_id(own: str | None, headers: Mapping[str, str]) -> str | None:
    """The id in the request's body, else in its header, else None. One that is too long has a digest instead."""
    found = own or headers.get(HEADER)
    if not found:
        return None
    return found if len(found) <= MAX_LENGTH else hashlib.sha256(found.encode()).hexdigest()


class NewIds:
    """The bytes of new uuid4s, by RFC 9562. Their texts are written when they are read.

    To be made in the process that uses it: of two forks both would go on alike.
    """

    def __init__(self) -> None:
        self._numbers = random.Random()  # noqa: S311 - unique, not secret; os.urandom is a system call
        self._ids: list[bytes] = []

    def take(self, count: int) -> list[bytes]:
        """So many, which are nobody else's."""
        while len(self._ids) < count:
            self._ids += self._made()
        taken = self._ids[-count:]
        del self._ids[-count:]
        return taken

    def _made(self) -> list[bytes]:
        ids = np.frombuffer(bytearray(self._numbers.randbytes(ID_BYTES * _AT_ONCE)), np.uint8).reshape(-1, ID_BYTES)
        ids[:, 6] = ids[:, 6] & 0x0F | 0x40  # the version
        ids[:, 8] = ids[:, 8] & 0x3F | 0x80  # the variant
        found: list[bytes] = ids.view(f"V{ID_BYTES}").ravel().tolist()
        return found


def is_sampled(request: str | bytes, share: float) -> bool:
    """Whether a request is in the sample: always the same for the same id, in every process."""
    if share >= 1:
        return True
    digest = hashlib.sha256(request.encode() if isinstance(request, str) else request).digest()
    return int.from_bytes(digest[:8]) < share * 2**64
