"""Ids of rows: texts, or, where they come from the ids of requests, the bytes of their JSON."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import orjson

RowIds = list[str] | npt.NDArray[np.uint8]
"""Texts; or an array [rows, bytes], where each row is the JSON of its id and a comma."""
_DIGITS = np.frombuffer(b"0123456789abcdef", np.uint8)
_PLACES = np.array([place for place, sign in enumerate("00000000-0000-0000-0000-000000000000") if sign == "0"])
"""Of the digits in the text of a uuid."""
_BEFORE, _BEHIND = b'"', b'/0",'


def of_requests(ids: npt.NDArray[np.uint8], are_uuids: bool, rows: int) -> RowIds:
    """`<request id>/<index of the row>` of requests of so many rows, by the bytes of their ids [requests, bytes]."""
    texts = _uuids(ids) if are_uuids else ids
    if rows == 1 and _is_plain(texts):
        return _written(texts)
    names = [text.tobytes().decode() for text in texts]
    return [f"{name}/{row}" for name in names for row in range(rows)]


def joined(parts: list[RowIds]) -> RowIds:
    """The ids of several records, one behind the other."""
    if all(isinstance(part, np.ndarray) and part.shape[1] == parts[0].shape[1] for part in parts):  # type: ignore[union-attr]
        return np.concatenate(parts)
    return [row_id for part in parts for row_id in texts_of(part)]


def texts_of(ids: RowIds) -> list[str]:
    """As texts."""
    return ids if isinstance(ids, list) else orjson.loads(json_of(ids))


def json_of(ids: npt.NDArray[np.uint8]) -> bytes:
    """The JSON of a list of them."""
    return b"".join((b"[", ids.tobytes()[:-1], b"]"))


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
