"""The answers of every form: whole, in order, with every digit; and those of a regression."""

from __future__ import annotations

import json
import struct
from typing import Any

import numpy as np
import orjson
import pytest

from contracts.model import Feature, ModelCard, Task
from serving.errors import InvalidRequestError
from serving.predictor.classifier import ServedClassifier
from serving.predictor.dataplane import DataPlane
from serving.predictor.protocols.exchange import Exchange, HttpAnswer
from serving.predictor.protocols.v1 import V1Exchange
from serving.predictor.protocols.v2 import V2Exchange

SCORES = np.array([[0.1, 0.9], [0.7, 0.3], [np.nan, 0.5]], dtype=np.float32)
LABELS = ["y\u00e9s", "no", "no"]


class Fixed:
    """A model that has its answers ready."""

    def __init__(self, answers: np.typing.NDArray[np.float32]) -> None:
        self._answers = answers

    def probabilities(self, matrix: np.typing.NDArray[np.float32]) -> np.typing.NDArray[np.float32]:
        """See Classifier."""
        return self._answers[: len(matrix)]


def plane(task: Task = "classification", name: str = "model") -> DataPlane:
    """A model of one feature."""
    labels = ("no", "y\u00e9s") if task == "classification" else ()
    card = ModelCard(
        loop="l",
        kind="k",
        format="xgboost-ubj",
        model_file="m",
        files={},
        task=task,
        features=(Feature(name="size"),),
        labels=labels,
    )
    answers = SCORES if labels else SCORES[:, :1]
    return DataPlane(name, "7", card, ServedClassifier(Fixed(answers), accepts_missing=True), max_rows=10)


def v2(rows: int, own: DataPlane, **more: Any) -> HttpAnswer:
    """The answer to a V2 request of so many rows."""
    entry = {"name": "m", "datatype": "FP32", "shape": [rows, 1], "data": [1] * rows}
    return ask(V2Exchange(orjson.dumps({"inputs": [entry], **more}), None), own)


def ask(exchange: Exchange[HttpAnswer], own: DataPlane) -> HttpAnswer:
    """What an exchange answers."""
    return exchange.encode(own, own.predict(exchange.decode(own).matrix))


@pytest.mark.parametrize("rows", [1, 2, 3])
@pytest.mark.parametrize("name", ["model", 'a "model"', "a\0b", "@"])
@pytest.mark.parametrize("told", [{}, {"id": "x"}, {"id": ""}, {"id": 'q"\u00e9'}, {"id": None}])
def test_both_outputs(rows: int, name: str, told: dict[str, Any]) -> None:
    """Name, version, the request's id if it had one, probabilities with each digit of FP32, and the labels."""
    answer = json.loads(v2(rows, plane(name=name), **told).body)
    numbers = [None if value != value else value for value in SCORES[:rows].ravel().tolist()]
    identity = {key: value for key, value in told.items() if value is not None}
    assert answer == {
        "model_name": name,
        "model_version": "7",
        **identity,
        "outputs": [
            {"name": "probabilities", "shape": [rows, 2], "datatype": "FP32", "data": numbers},
            {"name": "label", "shape": [rows], "datatype": "BYTES", "data": LABELS[:rows]},
        ],
    }
    keys = ["model_name", "model_version", *identity, "outputs"]
    assert list(answer) == keys


@pytest.mark.parametrize("rows", [1, 2])
def test_binary_outputs(rows: int) -> None:
    """Bytes after the JSON: FP32, and texts with their lengths."""
    answer = v2(rows, plane(), parameters={"binary_data_output": True})
    length = int(answer.headers["inference-header-content-length"])
    texts = [label.encode() for label in LABELS[:rows]]
    framed = b"".join(struct.pack("<I", len(text)) + text for text in texts)
    assert answer.body[length:] == SCORES[:rows].tobytes() + framed
    sizes = [output["parameters"]["binary_data_size"] for output in json.loads(answer.body[:length])["outputs"]]
    assert sizes == [8 * rows, len(framed)]


@pytest.mark.parametrize("rows", [1, 2])
def test_a_regression(rows: int) -> None:
    """V2 answers one output `prediction`, V1 the numbers alone."""
    own = plane("regression")
    values = SCORES[:rows, 0].tolist()
    expected = {"name": "prediction", "shape": [rows], "datatype": "FP32"}
    assert json.loads(v2(rows, own).body)["outputs"] == [{**expected, "data": values}]
    asked = v2(rows, own, outputs=[{"name": "prediction", "parameters": {"binary_data": True}}])
    assert asked.body.endswith(SCORES[:rows, 0].tobytes())
    answer = ask(V1Exchange(orjson.dumps({"instances": [[1]] * rows})), own)
    assert json.loads(answer.body) == {"predictions": values}
    with pytest.raises(InvalidRequestError, match=r"Unknown output 'label'; expected one of \['prediction'\]"):
        v2(rows, own, outputs=[{"name": "label"}])
