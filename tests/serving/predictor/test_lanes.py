"""The fast lanes and the general way are one: the same rows of the same request, or the same refusal."""

from __future__ import annotations

from typing import Any
from unittest.mock import patch

import numpy as np
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.model import Feature, ModelCard
from serving.errors import ServingError
from serving.predictor.classifier import ServedClassifier
from serving.predictor.dataplane import DataPlane
from serving.predictor.protocols import lanes, large
from serving.predictor.protocols.exchange import Exchange
from serving.predictor.protocols.v1 import V1Exchange
from serving.predictor.protocols.v2 import V2Exchange

FEATURES = (Feature(name="size"), Feature(name="colour", categories=("red", "green", "")), Feature(name="weight"))
COLOURS = st.sampled_from(["red", "green", "", "blue", "r\u00e9d"])
EDGES = st.sampled_from([0, 1, 2, 0.0, 1.0, -0.0, 0.5, -1, 3, 1e39, -1e39, 3.4028236e38, 1e-46, 2**63, 2**64 - 1])
NUMBER = st.integers(0, 2) | EDGES | st.floats(allow_nan=False, allow_infinity=False)
ODD = st.none() | st.booleans() | st.sampled_from(["red", [], [1], {}, 2**24 + 1, "1"])
VALUE = NUMBER | ODD
NAMES = st.sampled_from(["m", "m", "m", "size", "row_id", "", "a[b", 'say "m"'])
REAL = st.sampled_from(["FP32", "FP32", "FP64"])
DATATYPE = REAL | st.sampled_from(["INT8", "UINT64", "BOOL", "BYTES", "FP16", "FP31"])
IDS = st.sampled_from([None, "one", "", "\u00e9\\", 7])


class Flat:
    """A model to which all rows are alike."""

    def probabilities(self, matrix: np.typing.NDArray[np.float32]) -> np.typing.NDArray[np.float32]:
        """See Classifier."""
        return np.full((len(matrix), 2), 0.5, np.float32)


def plane(accepts_missing: bool) -> DataPlane:
    """Two numbers and a category, at most three rows."""
    card = ModelCard(
        loop="l", kind="k", format="xgboost-ubj", model_file="m", features=FEATURES, labels=("n", "y"), files={}
    )
    return DataPlane("test", "1", card, ServedClassifier(Flat(), accepts_missing), max_rows=3)


PLANES = (plane(True), plane(False))


@st.composite
def matrices(draw: st.DrawFn) -> dict[str, Any]:
    """A request of a matrix, right as often as not."""
    rows = draw(st.integers(1, 4))
    values = draw(st.sampled_from([NUMBER, NUMBER, VALUE]))
    data: list[Any] = draw(st.lists(values, min_size=3 * rows, max_size=3 * rows))
    if draw(st.booleans()):
        data = [data[start : start + 3] for start in range(0, 3 * rows, 3)]
    shape = draw(st.just([rows, 3]) | st.sampled_from([[rows, 2], [3, rows], [True, 3], [1.0, 3], [3 * rows], [0, 3]]))
    entry = {"name": draw(NAMES), "datatype": draw(REAL | DATATYPE), "shape": shape, "data": data}
    return _changed(draw, [entry])


@st.composite
def columns(draw: st.DrawFn) -> dict[str, Any]:
    """A request of a column a feature, right as often as not."""
    rows = draw(st.sampled_from([1, 1, 1, 2]))
    shape = draw(st.sampled_from([[rows], [rows], [rows, 1], [1, rows], [True], [1.0], [2]]))
    inputs = [
        {"name": feature.name, "shape": shape, **draw(_typed(feature.categories is not None, rows))}
        for feature in draw(st.permutations(FEATURES))
    ]
    for name, value in (("row_id", st.sampled_from(["a", "", 7, None])), ("event_timestamp", st.just(NOON))):
        if draw(st.integers(0, 3)) == 0:
            inputs.append({"name": name, "datatype": "BYTES", "shape": [rows], "data": [draw(value)] * rows})
    return _changed(draw, inputs)


NOON = "2013-03-01T12:00:00Z"


def _typed(is_text: bool, rows: int) -> st.SearchStrategy[dict[str, Any]]:
    right = COLOURS if is_text else NUMBER
    kinds = st.just("BYTES") if is_text else REAL
    return st.fixed_dictionaries(
        {
            "datatype": kinds | kinds | DATATYPE,
            "data": st.lists(st.one_of(right, right, right, st.none(), VALUE), min_size=rows, max_size=rows),
        }
    )


def _changed(draw: st.DrawFn, inputs: list[dict[str, Any]]) -> dict[str, Any]:
    """The request with an id or without, and now and then a field too many, too few or twice."""
    change = draw(st.integers(0, 11))
    if change == 0:
        inputs.append(inputs[0])
    if change == 1:
        del inputs[0][draw(st.sampled_from(sorted(inputs[0])))]
    if change == 2:
        inputs[0]["parameters"] = {}
    told = draw(IDS)
    return {"inputs": inputs} if told is None else {"id": told, "inputs": inputs}


@given(request=matrices() | columns(), spaced=st.booleans(), kind=st.sampled_from(PLANES))
@settings(max_examples=400, deadline=None)
def test_v2(request: dict[str, Any], spaced: bool, kind: DataPlane) -> None:
    """Whatever stands in a V2 request, in whatever order and with whatever space around it."""
    _compare(orjson.dumps(request, option=orjson.OPT_INDENT_2 if spaced else None), kind)


ROW = '{"name": "m", "datatype": "FP32", "shape": [2, 3], "data": %s}'
BODIES = [
    ROW % "[[1, 1, 1, 1, 1, 1]]",
    ROW % "[[1, 1, 1, 1], [1, 1]]",
    ROW % "[[1, 1, 1], [1, 1, 1], []]",
    ROW % "[1, 1, 1, 1, [1], 1]",
    ROW % "[[1, 1, 1], {}]",
    ROW % '[[1, 1, 1], "abc"]',
    ROW % "[1, 1, 1, 1, 1, 18446744073709551616]",
    ROW % "[1, 1, 1, 1, 1, 1e999]",
    ROW % "[1, 1, 1, 1, 1, -0]",
    ROW % "[01, 1, 1, 1, 1, 1]",
    ROW % "[NaN, 1, 1, 1, 1, 1]",
    ROW % "[1, 1, 1, 1, 1, 1,]",
    ROW % "{}",
    ROW.replace("}", ', "data": [0, 0, 0, 0, 0, 0]}') % "[1, 1, 1, 1, 1, 1]",
    ROW.replace("}", ', "shape": [3, 3]}') % "[1, 1, 1, 1, 1, 1]",
    ROW.replace('"m"', r'"\u006d"') % "[1, 1, 1, 1, 1, 1]",
    ROW.replace('"m"', r'"\ud800"') % "[1, 1, 1, 1, 1, 1]",
    ROW.replace("data", r"d\u0061ta") % "[1, 1, 1, 1, 1, 1]",
]


@pytest.mark.parametrize("entry", BODIES)
@pytest.mark.parametrize(
    "around",
    [
        '{"inputs": [%s]}',
        ' {"inputs": [%s]} ',
        '\ufeff{"inputs": [%s]}',
        '{"inputs": [%s]} x',
        '{"inputs": %s}',
        '{"inputs": [], "inputs": [%s]}',
        '{"inputs": [%s], "inputs": []}',
        '{"inputs": [%s], "id": "a", "id": "b"}',
        '{"inputs": [%s], "outputs": []}',
        "[%s]",
    ],
)
def test_json_that_is_read_in_two_ways(entry: str, around: str) -> None:
    """Keys that are there twice, escapes, numbers beyond any type and broken JSON."""
    for kind in PLANES:
        _compare((around % entry).encode(), kind)


def test_bytes_that_are_no_text() -> None:
    """A name that is not UTF-8 is not JSON."""
    _compare(b'{"inputs": [' + (ROW % "[1, 1, 1, 1, 1, 1]").encode().replace(b'"m"', b'"\xff"') + b"]}", PLANES[0])


def test_the_lanes_are_used() -> None:
    """What nearly every client sends does not go the general way."""
    flat = {"name": "m", "datatype": "FP32", "shape": [1, 3], "data": [1.5, 1, 2]}
    nested = {"name": "m", "datatype": "FP32", "shape": [2, 3], "data": [[1.5, 1, 2], [1, 0, 7]]}
    row = [
        {"name": "size", "datatype": "FP32", "shape": [1], "data": [1.5]},
        {"name": "colour", "datatype": "BYTES", "shape": [1], "data": ["red"]},
        {"name": "weight", "datatype": "INT64", "shape": [1, 1], "data": [7]},
    ]
    told = {"name": "row_id", "datatype": "BYTES", "shape": [1], "data": ["a"]}
    for inputs in ([flat], [nested], row, [*row, told]):
        assert lanes.rows_of(inputs, PLANES[1], None) is not None
    for inputs in ([flat], [nested]):
        assert large.rows_of(orjson.dumps({"id": "a", "inputs": inputs}), PLANES[1]) is not None


@given(rows=st.lists(st.tuples(VALUE, COLOURS | ODD, NUMBER | st.none()), min_size=1, max_size=3), lists=st.booleans())
@settings(max_examples=300, deadline=None)
def test_v1(rows: list[tuple[Any, Any, Any]], lists: bool) -> None:
    """Instances of V1, as objects and as lists."""
    names = [feature.name for feature in FEATURES]
    instances = [list(row) if lists else dict(zip(names, row, strict=True)) for row in rows]
    body = orjson.dumps({"instances": instances})
    for kind in PLANES:
        with patch.multiple(DataPlane, from_row=_nothing, from_values=_nothing):
            general = _outcome(V1Exchange(body), kind)
        assert general == _outcome(V1Exchange(body), kind)


def _nothing(*_: object) -> None:
    """What a lane says to a request that is not its own."""


def _compare(body: bytes, kind: DataPlane) -> None:
    with patch.object(lanes, "rows_of", _nothing):
        general = _outcome(V2Exchange(body, None), kind)
    fast = _outcome(V2Exchange(body, None), kind)
    with patch.object(large, "LARGE_BYTES", 0):
        assert general == fast == _outcome(V2Exchange(body, None), kind)


def _outcome(exchange: Exchange[Any], kind: DataPlane) -> object:
    """The rows, or the refusal, as something that can be compared."""
    try:
        rows = exchange.decode(kind)
    except ServingError as error:
        return type(error), str(error)
    assert rows.matrix.dtype == np.float32
    assert rows.matrix.flags.c_contiguous
    assert rows.matrix.flags.writeable
    matrix = [[None if value != value else value for value in row] for row in rows.matrix.tolist()]
    return matrix, rows.columns, rows.identity, rows.request_id
