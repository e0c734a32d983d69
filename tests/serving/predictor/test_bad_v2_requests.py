"""A client's mistake in V2 JSON is answered as such: what is wrong with which value, and what was expected."""

from __future__ import annotations

from typing import Any

import pytest
from predictor_process import Server, assert_refused

INFER = "/v2/models/flights/infer"


def tensor(name: str, datatype: str, data: Any, shape: Any = None) -> dict[str, Any]:
    """A JSON input; [rows] is its shape unless another is given."""
    return {"name": name, "datatype": datatype, "shape": [len(data)] if shape is None else shape, "data": data}


def row(*changed: dict[str, Any], without: str = "") -> list[dict[str, Any]]:
    """The inputs of one good row, where an input of the same name replaces the good one."""
    good = [
        tensor("distance", "FP32", [1.5]),
        tensor("hour", "INT32", [7]),
        tensor("carrier", "BYTES", ["AA"]),
        tensor("holiday", "BOOL", [False]),
    ]
    replaced = {without, *(entry["name"] for entry in changed)}
    return [*changed, *(entry for entry in good if entry["name"] not in replaced)]


def hour(datatype: str, data: Any, shape: Any = None) -> list[dict[str, Any]]:
    """The inputs of one row with another hour."""
    return row(tensor("hour", datatype, data, shape))


def matrix(data: Any, shape: Any, datatype: str = "FP32") -> list[dict[str, Any]]:
    """One input that is the matrix."""
    return [tensor("matrix", datatype, data, shape)]


INPUTS: dict[str, tuple[Any, str]] = {
    "missing feature": (row(without="hour"), "Feature 'hour' is missing from the request; expected ['distance', "),
    "unknown input": (row(tensor("wings", "FP32", [2])), "Unknown input 'wings' with shape [1]; expected"),
    "only an unknown input": ([tensor("wings", "FP32", [2])], "or one matrix [rows, 4] of FP32 or FP64"),
    "the same input twice": (row() + row(), "Input 'distance' is there twice"),
    "no inputs": ([], "'inputs' is empty"),
    "inputs no list": ({"hour": 7}, "The request has inputs {'hour': 7}; expected a list"),
    "input no object": ([7], "An input is 7; expected an object"),
    "input without name": ([{"shape": [1], "datatype": "FP32", "data": [1]}], "An input has name None"),
    "input without data": ([{"name": "hour", "shape": [1], "datatype": "FP32"}], "'hour' has data None"),
    "input without shape": ([{"name": "hour", "datatype": "FP32", "data": [1]}], "'hour' has shape None"),
    "input without datatype": ([{"name": "hour", "shape": [1], "data": [1]}], "'hour' has datatype None"),
    "unknown datatype": (hour("FP31", [7]), "datatype 'FP31'; expected one of ['BOOL', "),
    "category as a number": (row(tensor("carrier", "FP32", [7])), "'carrier' has datatype FP32; expected BYTES"),
    "number as text": (hour("BYTES", ["7"]), "'hour' has datatype BYTES; expected a datatype of numbers"),
    "text for a number": (hour("FP32", ["7"]), "Input 'hour' is '7' at position 0; expected a number (FP32)"),
    "number for text": (row(tensor("carrier", "BYTES", [7])), "'carrier' is 7 at position 0; expected text"),
    "fraction for an integer": (hour("INT32", [7.5]), "'hour' is 7.5 at position 0; expected a whole number"),
    "integer out of range": (hour("INT8", [128]), "128 at position 0; expected a whole number from -128 to 127"),
    "negative unsigned": (hour("UINT8", [-1]), "-1 at position 0; expected a whole number from 0 to 255"),
    "number for a boolean": (hour("BOOL", [1]), "'hour' is 1 at position 0; expected true or false"),
    "number beyond FP32": (hour("FP64", [1e39]), "Feature 'hour' is 1e+39 in row 0; expected a finite number"),
    "shape and data differ": (hour("FP32", [7], [2]), "'hour' has 1 values; its shape [2] expects 2"),
    "negative shape": (hour("FP32", [7], [-1]), "'hour' has shape [-1]; expected a list of whole numbers"),
    "shape of text": (hour("FP32", [7], ["1"]), "'hour' has shape ['1']; expected a list of whole numbers"),
    "column of two": (hour("FP32", [7, 8], [1, 2]), "'hour' has shape [1, 2]; expected [rows] or [rows, 1]"),
    "column without rows": (hour("FP32", [], [0]), "'hour' has 0 rows; expected 1"),
    "columns of two lengths": (hour("FP32", [7, 8]), "'hour' has 2 rows; expected 1"),
    "narrow matrix": (matrix([1, 2, 0], [1, 3]), "The matrix has shape [1, 3]; expected [rows, 4]"),
    "matrix of integers": (matrix([1, 2, 0, 0], [1, 4], "INT32"), "datatype INT32; expected FP32 or FP64"),
    "ragged matrix": (matrix([[1, 2, 0, 0], [1]], [2, 4]), "Row 1 of input 'matrix' is [1]; expected 4 values"),
    "matrix of text": (matrix([[1, 2, "AA", 0]], [1, 4]), "'matrix' is 'AA' at position 2; expected a number"),
    "category that is none": (matrix([1, 2, 0.5, 0], [1, 4]), "'carrier' is 0.5 in row 0; expected the position"),
    "empty batch": (matrix([], [0, 4]), "no rows"),
    "shape beyond memory": (matrix([0] * 4, [10**15, 4]), "4 values; its shape [1000000000000000, 4] expects"),
}
AROUND: dict[str, tuple[dict[str, Any], str]] = {
    "unknown output": ({"outputs": [{"name": "score"}]}, "Unknown output 'score'; expected one of ['probabilities', "),
    "output twice": ({"outputs": [{"name": "label"}] * 2}, "Output 'label' is asked for twice"),
    "output without name": ({"outputs": [{}]}, "An output has name None; expected a string"),
    "output no object": ({"outputs": ["label"]}, "An output is 'label'; expected an object with a name"),
    "id no text": ({"id": 7}, "id 7; expected a string"),
    "parameters no object": ({"parameters": [1]}, "parameters [1]; expected an object"),
}


@pytest.mark.parametrize(("inputs", "message"), INPUTS.values(), ids=INPUTS)
def test_inputs(sturdy_server: Server, inputs: Any, message: str) -> None:
    """400, in the protocol's shape."""
    assert_refused(sturdy_server.post(INFER, {"id": "1", "inputs": inputs}), 400, message)


@pytest.mark.parametrize(("changed", "message"), AROUND.values(), ids=AROUND)
def test_around_the_inputs(sturdy_server: Server, changed: dict[str, Any], message: str) -> None:
    """The same for the rest of the request."""
    assert_refused(sturdy_server.post(INFER, {"inputs": row()} | changed), 400, message)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"[" * 100_000, b'{"inputs": [NaN]}'], ids=range(5))
def test_no_json_object(sturdy_server: Server, body: bytes) -> None:
    """The same for a body that is no JSON object at all."""
    assert_refused(sturdy_server.post(INFER, body), 400, "The body is")


def test_too_many_rows(sturdy_server: Server) -> None:
    """More rows than the bound are refused with 413."""
    answer = sturdy_server.post(INFER, {"inputs": matrix([0] * 4004, [1001, 4])})
    assert_refused(answer, 413, "1001 rows; expected at most 1000")
