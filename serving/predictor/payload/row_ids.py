"""Ids of rows: texts, or, where they come from the ids of requests, those, or the bytes of their JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

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
_DIGITS = np.frombuffer(b"0123456789abcdef", np.uint8)
_PLACES = np.array([place for place, sign in enumerate("00000000-0000-0000-0000-000000000000") if sign == "0"])
"""Of the digits in the text of a uuid."""
_BEFORE, _BEHIND = b'"', b'/0",'


def of_requests(ids: npt.NDArray[np.uint8], are_uuids: bool, rows: int) -> RowIds:
    """`<request id>/<index of the row>` of requests of so many rows, by the bytes of their ids [requests, bytes]."""
    texts = _uuids(ids) if are_uuids else ids
    if rows == 1 and _is_plain(texts):
        return _written(texts)
    return OfRequests([text.tobytes().decode() for text in texts], rows)


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


def requests_of(parts: Sequence[RowIds]) -> list[str] | None:
    """The ids of the requests of several records; None if some of their rows have ids of their own."""
    if any(isinstance(part, list) for part in parts):
        return None
    names = [part.names if isinstance(part, OfRequests) else _requests(texts_of(part)) for part in parts]
    return [name for part in names for name in part]


def json_of(ids: npt.NDArray[np.uint8]) -> bytes:
    """The JSON of a list of them."""
    return b"".join((b"[", ids.tobytes()[:-1], b"]"))


def _requests(row_ids: list[str]) -> list[str]:
    """Of requests of one row."""
    return [row_id.removesuffix("/0") for row_id in row_ids]


def _uuids(ids: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """The texts of uuids, [requests, 36]."""
    texts = np.full((len(ids), 36), ord("-"), np.uint8)
    texts[:, _PLACES[::2]] = _DIGITS[ids >> 4]
    texts[:, _PLACES[1::2]] = _DIGITS[ids & 15]
    return texts


def _is_plain(texts: npt.NDArray[np.uint8]) -> bool:
    """Whether JSON has the texts as they are: ASCII that can be seen, no quote or backslash."""
    return bool(((texts >= 32) & (texts < 127) & (texts != ord('"')) & (texts != ord("\\"))).all())


def _written(texts: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    whole = np.empty((len(texts), len(_BEFORE) + texts.shape[1] + len(_BEHIND)), np.uint8)
    whole[:, : len(_BEFORE)] = np.frombuffer(_BEFORE, np.uint8)
    whole[:, len(_BEFORE) : -len(_BEHIND)] = texts
    whole[:, -len(_BEHIND) :] = np.frombuffer(_BEHIND, np.uint8)
    return whole
