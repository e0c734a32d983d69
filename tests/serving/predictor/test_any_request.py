"""Whatever JSON and bytes a client sends, decoding them ends in a matrix or in a client's error."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import numpy as np
import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.model import Feature, ModelCard
from serving.errors import ServingError
from serving.predictor.classifier import ServedClassifier
from serving.predictor.dataplane import DataPlane
from serving.predictor.protocols.exchange import Exchange
from serving.predictor.protocols.v1 import V1Exchange
from serving.predictor.protocols.v2 import V2Exchange

WORDS = ["id", "inputs", "outputs", "parameters", "name", "shape", "datatype", "data", "size", "colour"]
PLAIN = st.none() | st.booleans() | st.integers(-300, 300) | st.floats(allow_nan=False) | st.sampled_from(WORDS)
JSON = st.recursive(
    PLAIN,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=4),
    max_leaves=8,
)
TENSOR = st.fixed_dictionaries(
    {
        "name": st.sampled_from(["size", "colour", "x"]) | JSON,
        "datatype": st.sampled_from(["FP16", "FP32", "FP64", "INT8", "UINT64", "BOOL", "BYTES"]) | JSON,
        "shape": st.lists(st.integers(-1, 2), max_size=2) | JSON,
    },
    optional={
        "data": st.lists(PLAIN, max_size=4) | JSON,
        "parameters": st.fixed_dictionaries({"binary_data_size": st.integers(-2, 20)}) | JSON,
    },
)
OPTIONAL = {"outputs": JSON, "parameters": JSON, "id": JSON}
REQUEST = st.fixed_dictionaries({"inputs": st.lists(TENSOR, max_size=3)}, optional=OPTIONAL)
ROW = st.fixed_dictionaries({"size": PLAIN, "colour": PLAIN}) | st.lists(PLAIN, max_size=3) | JSON


class Flat:
    """A model to which all rows are alike."""

    def probabilities(self, matrix: np.typing.NDArray[np.float32]) -> np.typing.NDArray[np.float32]:
        """See Classifier."""
        return np.full((len(matrix), 2), 0.5, np.float32)


@given(body=REQUEST | JSON, tail=st.binary(max_size=20))
@settings(max_examples=300, deadline=None)
def test_v2(body: Any, tail: bytes) -> None:
    """V2, JSON and binary."""
    head = orjson.dumps(body)
    _answer_or_refuse(V2Exchange(head + tail, str(len(head)) if tail else None))


@given(body=st.fixed_dictionaries({"instances": st.lists(ROW, max_size=3)}) | JSON)
@settings(max_examples=300, deadline=None)
def test_v1(body: Any) -> None:
    """V1, objects and lists."""
    _answer_or_refuse(V1Exchange(orjson.dumps(body)))


@given(body=st.binary(max_size=40), length=st.text(max_size=3))
@settings(deadline=None)
def test_bytes(body: bytes, length: str) -> None:
    """Bytes that are no JSON, under any header."""
    _answer_or_refuse(V1Exchange(body))
    _answer_or_refuse(V2Exchange(body, length))


def _answer_or_refuse(exchange: Exchange[Any]) -> None:
    """Any other error than the one kind ends the test, as does that kind with a server's status."""
    features = (Feature(name="size"), Feature(name="colour", categories=("red", "green")))
    card = ModelCard(
        loop="l", kind="k", format="xgboost-ubj", model_file="m", features=features, labels=("n", "y"), files={}
    )
    plane = DataPlane("test", "1", card, ServedClassifier(Flat(), accepts_missing=True), max_rows=3)
    with suppress(*_kinds_below(500)):
        exchange.encode(plane, plane.predict(exchange.decode(plane).matrix))


def _kinds_below(status: int) -> list[type[ServingError]]:
    return [kind for kind in ServingError.__subclasses__() if kind.status < status]
