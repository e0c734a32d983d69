"""The tensors of a V2 answer: probabilities FP32 [rows, labels] and label BYTES [rows]."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from serving.errors import InvalidRequestError, shown
from serving.predictor.dataplane import Prediction

NAMES = ("probabilities", "label")


@dataclass(frozen=True)
class Output:
    """One tensor of an answer."""

    name: str
    datatype: str
    shape: list[int]
    values: list[Any]
    """Flat, row by row. Each FP32 is written as the float64 of the same value, so no digit is lost."""

    def to_binary(self) -> bytes:
        """Little-endian bytes; text has its length, 4 bytes, before each."""
        if self.datatype == "FP32":
            return np.array(self.values, dtype="<f4").tobytes()
        texts = [text.encode() for text in self.values]
        return b"".join(struct.pack("<I", len(text)) + text for text in texts)


def require_known(names: Iterable[str]) -> None:
    """InvalidRequestError if an output is asked for that no answer has."""
    for name in names:
        if name not in NAMES:
            raise InvalidRequestError(f"Unknown output {shown(name)}; expected one of {list(NAMES)}.")


def outputs_of(prediction: Prediction, names: Sequence[str]) -> list[Output]:
    """The outputs named, in that order."""
    return [_output(prediction, name) for name in names]


def _output(prediction: Prediction, name: str) -> Output:
    if name == "label":
        labels = list(prediction.labels or ())
        return Output(name, "BYTES", [len(labels)], labels)
    return Output(name, "FP32", list(prediction.probabilities.shape), prediction.probabilities.ravel().tolist())
