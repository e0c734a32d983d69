"""Ids of rows: texts, or, where they come from the ids of requests, those, or the bytes of their JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import numpy as np
import numpy.typing as npt
import orjson


@dataclass(frozen=True)
class OfRequests:
    """The ids of requests that have so many rows each."""

    names: list[str]
    each: int


RowIds = list[str] | npt.NDArray[np.uint8] | OfRequests
"""Texts; or an array [rows, bytes], where each row is the JSON of its id and a comma; or those of requests."""
_PAIRS = np.frombuffer(b"".join(b"%02x" % value for value in range(256)), "u2")
"""Of hexadecimal digits, as they stand in memory, by the byte that they tell."""
_GROUPS = ((0, 8, 0), (8, 12, 9), (12, 16, 14), (16, 20, 19), (20, 32, 24))
"""Digits from one to another, and where they begin in the text of a uuid."""
_UUID_SIZE = 36
_BEFORE, _BEHIND = b'"', b'/0",'


def of_requests(ids: npt.NDArray[np.uint8], are_uuids: bool, rows: int) -> RowIds:
    """`<request id>/<index of the row>` of requests of so many rows, by the bytes of their ids [requests, bytes]."""
    if rows == 1 and (are_uuids or _is_plain(ids)):
        return _written(ids, are_uuids)
    if are_uuids:
        return OfRequests([str(UUID(bytes=name.tobytes())) for name in ids], rows)
    return OfRequests([name.tobytes().decode() for name in ids], rows)


def joined(parts: Sequence[RowIds]) -> list[str] | npt.NDArray[np.uint8]:
    """The ids of several records, one behind the other."""
    written = [part for part in parts if isinstance(part, np.ndarray)]
    if len(written) == len(parts) and len({part.shape[1] for part in written}) == 1:
        return np.concatenate(written)
    return [row_id for part in parts for row_id in texts_of(part)]


def texts_of(ids: RowIds) -> list[str]:
    """As texts."""
    if isinstance(ids, OfRequests):
        return [f"{name}/{row}" for name in ids.names for row in range(ids.each)]
    return ids if isinstance(ids, list) else orjson.loads(json_of(ids))


def runs_of(parts: Sequence[RowIds], least: int) -> tuple[list[str], list[int]] | None:
    """The ids of the requests of several records, and how many rows each has.

    None if some rows have ids of their own, or the requests have less than so many rows on the average.
    """
    if any(isinstance(part, list) for part in parts):
        return None
    rows = sum(len(part.names) * part.each if isinstance(part, OfRequests) else len(part) for part in parts)
    if rows < least * sum(len(part.names) if isinstance(part, OfRequests) else len(part) for part in parts):
        return None
    names, counts = list[str](), list[int]()
    for part in parts:
        known = part.names if isinstance(part, OfRequests) else _requests(texts_of(part))
        names += known
        counts += [part.each if isinstance(part, OfRequests) else 1] * len(known)
    return names, counts


def json_of(ids: npt.NDArray[np.uint8]) -> bytes:
    """The JSON of a list of them."""
    return b"".join((b"[", ids.data.cast("B")[:-1], b"]"))


def _requests(row_ids: list[str]) -> list[str]:
    """Of requests of one row."""
    return [row_id.removesuffix("/0") for row_id in row_ids]


def _is_plain(texts: npt.NDArray[np.uint8]) -> bool:
    """Whether JSON has the texts as they are: ASCII that can be seen, no quote or backslash."""
    return bool(((texts >= 32) & (texts < 127) & (texts != ord('"')) & (texts != ord("\\"))).all())


def _written(ids: npt.NDArray[np.uint8], are_uuids: bool) -> npt.NDArray[np.uint8]:
    size = _UUID_SIZE if are_uuids else ids.shape[1]
    whole = np.empty((len(ids), len(_BEFORE) + size + len(_BEHIND)), np.uint8)
    whole[:] = np.frombuffer(_BEFORE + b"-" * size + _BEHIND, np.uint8)
    texts = whole[:, len(_BEFORE) : -len(_BEHIND)]
    if not are_uuids:
        texts[:] = ids
        return whole
    digits = _PAIRS[ids].view(np.uint8)
    for start, end, place in _GROUPS:
        texts[:, place : place + end - start] = digits[:, start:end]
    return whole
