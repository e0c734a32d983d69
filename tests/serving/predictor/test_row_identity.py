"""The columns row_id and event_timestamp: beside the features in every protocol, and refused when they are wrong."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
import orjson
import pytest
from payload_parts import plane
from plain_messages import PlainInferRequest

from contracts.model import Feature
from serving.errors import InvalidRequestError
from serving.predictor.dataplane import DataPlane
from serving.predictor.grpc.exchange import GrpcExchange
from serving.predictor.grpc.messages import ModelInferRequest
from serving.predictor.protocols.exchange import Exchange
from serving.predictor.protocols.v1 import V1Exchange
from serving.predictor.protocols.v2 import V2Exchange
from serving.predictor.rows import Rows

IDS = ["a", "b"]
TIMES = ["2013-03-01T12:00:00Z", "2013-03-01T13:00:00.5+02:00"]
UTC_TIMES = ["2013-03-01T12:00:00+00:00", "2013-03-01T11:00:00.500000+00:00"]
COLUMNS: dict[str, list[Any]] = {"size": [1, None], "colour": ["green", "blue"]}
MATRIX = {"name": "m", "shape": [2, 2], "datatype": "FP32", "data": [1, 1, None, None]}


def tensor(name: str, data: list[Any], datatype: str = "BYTES", shape: list[int] | None = None) -> dict[str, Any]:
    """A JSON input."""
    return {"name": name, "datatype": datatype, "shape": shape or [len(data)], "data": data}


def binary(name: str, texts: list[str]) -> tuple[dict[str, Any], bytes]:
    """A binary input of text."""
    raw = b"".join(struct.pack("<I", len(text)) + text.encode() for text in texts)
    return {"name": name, "datatype": "BYTES", "shape": [2, 1], "parameters": {"binary_data_size": len(raw)}}, raw


def v1(**columns: list[Any]) -> V1Exchange:
    """A V1 request of an object a row."""
    rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    return V1Exchange(orjson.dumps({"instances": rows}))


def v2(*inputs: dict[str, Any]) -> V2Exchange:
    """A V2 request in JSON."""
    return V2Exchange(orjson.dumps({"inputs": inputs}), None)


def v2_binary(*inputs: dict[str, Any]) -> V2Exchange:
    """A V2 request whose identity is in binary tensors."""
    told = [binary("row_id", IDS), binary("event_timestamp", TIMES)]
    head = orjson.dumps({"inputs": [*inputs, *(entry for entry, _ in told)]})
    return V2Exchange(head + b"".join(raw for _, raw in told), str(len(head)))


def grpc(*, raw: bool) -> GrpcExchange:
    """A gRPC request of a matrix and its identity."""
    request = PlainInferRequest(id="request")
    matrix = np.array([[1, 1], [np.nan, np.nan]], dtype=np.float32)
    for name, texts in (("row_id", IDS), ("event_timestamp", TIMES)):
        entry = request.inputs.add(name=name, datatype="BYTES", shape=[2])
        if raw:
            request.raw_input_contents.append(binary(name, texts)[1])
        else:
            entry.contents.bytes_contents.extend(text.encode() for text in texts)
    entry = request.inputs.add(name="m", datatype="FP32", shape=[2, 2])
    if raw:
        request.raw_input_contents.append(matrix.tobytes())
    else:
        entry.contents.fp32_contents.extend(matrix.ravel().tolist())
    return GrpcExchange(ModelInferRequest.FromString(request.SerializeToString()))


FEATURES = (tensor("size", COLUMNS["size"], "FP64"), tensor("colour", COLUMNS["colour"]))
IDENTITY = (tensor("row_id", IDS), tensor("event_timestamp", TIMES, shape=[2, 1]))


@pytest.mark.parametrize(
    "exchange",
    [
        v1(**COLUMNS, row_id=IDS, event_timestamp=TIMES),
        v2(*FEATURES, *IDENTITY),
        v2(*IDENTITY, MATRIX),
        v2_binary(*FEATURES),
        v2_binary(MATRIX),
        grpc(raw=False),
        grpc(raw=True),
    ],
    ids=["v1", "v2-columns", "v2-matrix", "v2-binary-columns", "v2-binary-matrix", "grpc", "grpc-raw"],
)
def test_every_protocol_takes_them(exchange: Exchange[Any]) -> None:
    """The identity is told, times in UTC, and the matrix is the same as without it."""
    rows = exchange.decode(plane())
    assert (rows.identity.row_ids, rows.identity.timestamps) == (IDS, UTC_TIMES)
    np.testing.assert_array_equal(rows.matrix, np.array([[1, 1], [np.nan, np.nan]], dtype=np.float32))


@pytest.mark.parametrize("exchange", [v1(**COLUMNS), v2(*FEATURES), v2(MATRIX)], ids=["v1", "v2", "matrix"])
def test_nobody_has_to_send_them(exchange: Exchange[Any]) -> None:
    """A request without them is answered as ever."""
    rows = exchange.decode(plane())
    assert (rows.identity.row_ids, rows.identity.timestamps) == (None, None)


def test_one_without_the_other() -> None:
    """Either may be sent alone."""
    assert _decode(v1(**COLUMNS, row_id=IDS)).identity.timestamps is None
    assert _decode(v2(MATRIX, IDENTITY[1])).identity.row_ids is None


def test_a_feature_of_that_name_is_a_feature() -> None:
    """A model may have a feature called row_id."""
    own = plane()
    card = own.card.model_copy(update={"features": (Feature(name="row_id"),)})
    rows = v2(tensor("row_id", [3], "FP32")).decode(DataPlane("flights", "7", card, own.classifier, 10))
    assert (rows.matrix.tolist(), rows.identity.row_ids) == ([[3]], None)


@pytest.mark.parametrize(
    ("row_id", "shown"), [(7, "7"), (None, "None"), ("", "''"), ("x" * 1025, "'xxx"), ([], r"\[\]"), (True, "True")]
)
def test_a_wrong_row_id(row_id: Any, shown: str) -> None:
    """Anything but text of 1 to 1024 characters is the client's mistake: the value and its row are named."""
    with pytest.raises(InvalidRequestError, match=f"Column 'row_id' is {shown}.* in row 1; expected text of 1 to 1024"):
        _decode(v1(**COLUMNS, row_id=["a", row_id]))


@pytest.mark.parametrize(
    "time",
    [
        "yesterday",
        "2013-03-01",
        "2013-03-01T12:00:00",
        "2013-13-01T12:00:00Z",
        "2013-03-01T12:00:60Z",
        "2013-W09-5T12:00:00Z",
        "0001-01-01T00:00:00+14:00",
        "٢٠١٣-03-01T12:00:00Z",
        1362139200,
        None,
    ],
)
def test_a_wrong_time(time: Any) -> None:
    """A time that is none, or has no offset, is refused: the value and its row are named."""
    message = r"Column 'event_timestamp' is .* in row 0; expected a time of RFC 3339"
    with pytest.raises(InvalidRequestError, match=message):
        _decode(v1(**COLUMNS, event_timestamp=[time, TIMES[0]]))


@pytest.mark.parametrize("time", ["2013-03-01 12:00:00+00:00", "2013-03-01t12:00:00z", "2013-03-01T12:00:00.000000Z"])
def test_times_as_others_write_them(time: str) -> None:
    """A space, small letters and fractions are RFC 3339 too."""
    rows = _decode(v1(**COLUMNS, event_timestamp=[time, TIMES[0]]))
    assert (rows.identity.timestamps or [])[0] == UTC_TIMES[0]


@pytest.mark.parametrize(
    ("exchange", "message"),
    [
        (v2(MATRIX, tensor("row_id", [1, 2], "INT64")), "Column 'row_id' has datatype INT64; expected BYTES"),
        (v2(MATRIX, tensor("row_id", ["a"])), "Column 'row_id' has 1 rows; expected 2"),
        (v2(*FEATURES, tensor("row_id", ["a"] * 3)), "Column 'row_id' has 3 rows; expected 2"),
        (v2(MATRIX, tensor("row_id", ["a"] * 4, shape=[2, 2])), r"Column 'row_id' has shape \[2, 2\]"),
        (v2(MATRIX, *IDENTITY, *IDENTITY), "Input 'row_id' is there twice"),
        (v2(*IDENTITY), "Feature 'size' is missing"),
        (v1(**COLUMNS, row_ids=IDS), "Unknown feature 'row_ids' in instance 0"),
    ],
)
def test_wrong_columns(exchange: Exchange[Any], message: str) -> None:
    """A wrong datatype, shape or length, and a misspelt name, are refused."""
    with pytest.raises(InvalidRequestError, match=message):
        _decode(exchange)


def test_bytes_that_are_no_text() -> None:
    """An id in bytes must be UTF-8."""
    request = grpc(raw=False)
    request._request.inputs[0].contents.bytes_contents[1] = b"\xff"
    with pytest.raises(InvalidRequestError, match=r"Column 'row_id' is b'\\xff' in row 1"):
        _decode(request)


@pytest.mark.parametrize("odd", [0, 1])
def test_all_instances_or_none(odd: int) -> None:
    """V1: an id on only some of the instances is refused."""
    instances: list[dict[str, Any]] = [{"size": 1, "colour": "red"}, {"size": 1, "colour": "red"}]
    instances[odd]["row_id"] = "a"
    with pytest.raises(InvalidRequestError, match="Only some instances have 'row_id', see instance 1"):
        _decode(V1Exchange(orjson.dumps({"instances": instances})))


def _decode(exchange: Exchange[Any]) -> Rows:
    return exchange.decode(plane())
