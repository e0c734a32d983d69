"""V2 answers in JSON: the document, and its bytes that are the same for every request to a model."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import orjson

from serving.predictor.dataplane import DataPlane, Prediction
from serving.predictor.protocols import outputs

_NUMBERS = b"\0"  # which no JSON holds as it is


def document(plane: DataPlane, request_id: str | None, described: list[dict[str, Any]]) -> bytes:
    """An answer of these outputs."""
    answer: dict[str, Any] = {"model_name": plane.name, "model_version": plane.version}
    if request_id is not None:
        answer["id"] = request_id
    answer["outputs"] = described
    return orjson.dumps(answer, option=orjson.OPT_SERIALIZE_NUMPY)


def described(output: outputs.Output) -> dict[str, Any]:
    """An output without its values."""
    return {"name": output.name, "shape": output.shape, "datatype": output.datatype}


class RowAnswer:
    """The usual answer of one row: every output. All but its numbers and the request's id is known before."""

    def __init__(self, plane: DataPlane) -> None:
        self._head = orjson.dumps({"model_name": plane.name, "model_version": plane.version})[:-1]
        labels: tuple[str | None, ...] = plane.card.labels or (None,)
        wholes = {label: _whole(plane, label) for label in labels}
        self._middle = wholes[labels[0]].partition(_NUMBERS)[0].removeprefix(self._head)
        self._ends = {label: whole.partition(_NUMBERS)[2] for label, whole in wholes.items()}

    def written(self, prediction: Prediction, request_id: str | None) -> bytes:
        """The answer."""
        probabilities, labels = prediction
        told = b"" if request_id is None else b',"id":' + orjson.dumps(request_id)
        numbers = orjson.dumps(probabilities.tolist()[0])
        return b"".join((self._head, told, self._middle, numbers, self._ends[labels[0] if labels else None]))


@lru_cache(maxsize=8)
def row_answer_of(plane: DataPlane) -> RowAnswer:
    """The one of a model."""
    return RowAnswer(plane)


def _whole(plane: DataPlane, label: str | None) -> bytes:
    labels = None if label is None else (label,)
    example = Prediction(np.zeros((1, len(plane.card.outputs)), dtype=np.float32), labels)
    found = outputs.outputs_of(example, outputs.names_of(plane))
    numbers = orjson.Fragment(_NUMBERS)
    return document(
        plane,
        None,
        [{**described(each), "data": numbers if each.datatype == "FP32" else each.values} for each in found],
    )
