"""The tensors of a V2 answer: probabilities FP32 [rows, labels] and label BYTES [rows]; prediction FP32 [rows]."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from contracts.model import VALUE
from feature_store.matrix import Matrix
from serving.errors import InvalidRequestError, shown
from serving.predictor.dataplane import DataPlane, Prediction

_LISTED = 16
"""Up to so many numbers are written faster from a list."""
NAMES = ("probabilities", "label")
"""Of a classification."""


class Output(NamedTuple):
    """One tensor of an answer."""

    name: str
    datatype: str
    shape: list[int]
    content: Matrix | Sequence[str]
    """FP32 as an array, BYTES as texts."""

    @property
    def values(self) -> list[Any]:
        """Flat, row by row. Each FP32 is the float64 of the same value, so no digit is lost."""
        return self.content.ravel().tolist() if isinstance(self.content, np.ndarray) else list(self.content)

    @property
    def json_values(self) -> Any:
        """The same for orjson, which writes many numbers faster from an array than from a list."""
        if isinstance(self.content, np.ndarray) and self.content.size > _LISTED:
            return self.content.ravel().astype(np.float64)
        return self.values

    def to_binary(self) -> bytes:
        """Little-endian bytes; text has its length, 4 bytes, before each."""
        if isinstance(self.content, np.ndarray):
            return self.content.astype("<f4", copy=False).tobytes()
        framed = {text: _framed(text.encode()) for text in set(self.content)}
        return b"".join([framed[text] for text in self.content])


def names_of(plane: DataPlane) -> tuple[str, ...]:
    """What an answer has where nothing else is asked for."""
    return NAMES if plane.card.task == "classification" else (VALUE,)


def require_known(names: Iterable[str], known: Sequence[str]) -> None:
    """InvalidRequestError if an output is asked for that no answer has, or twice: a small request had a huge answer."""
    seen: set[str] = set()
    for name in names:
        if name not in known:
            raise InvalidRequestError(f"Unknown output {shown(name)}; expected one of {list(known)}.")
        if name in seen:
            raise InvalidRequestError(f"Output {name!r} is asked for twice; expected each output once.")
        seen.add(name)


def outputs_of(prediction: Prediction, names: Sequence[str]) -> list[Output]:
    """The outputs named, in that order."""
    return [_output(prediction, name) for name in names]


def _output(prediction: Prediction, name: str) -> Output:
    if name == "label":
        labels = prediction.labels or ()
        return Output(name, "BYTES", [len(labels)], labels)
    shape = list(prediction.probabilities.shape)
    return Output(name, "FP32", shape if name != VALUE else shape[:1], prediction.probabilities)


def _framed(text: bytes) -> bytes:
    return struct.pack("<I", len(text)) + text
