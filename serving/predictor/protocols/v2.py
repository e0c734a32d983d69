"""The V2 protocol over REST: JSON, and the binary tensor extension (tensors' bytes after the JSON)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from serving.errors import InvalidRequestError, shown
from serving.predictor.dataplane import DataPlane, Prediction
from serving.predictor.protocols import lanes, large, outputs, tensors
from serving.predictor.protocols.answer import described, document, row_answer_of
from serving.predictor.protocols.body import JSON, json_object
from serving.predictor.protocols.exchange import HttpAnswer
from serving.predictor.protocols.inputs import to_rows
from serving.predictor.rows import Rows

JSON_LENGTH = "inference-header-content-length"
"""Header of a body with binary tensors: how many bytes of it are JSON."""
_MOST_DIGITS = 20
"""Of that number: Python refuses to read one of thousands."""
_KINDS = {str: "a string", list: "a list", dict: "an object", bool: "true or false", int: "a whole number"}


class Wanted(NamedTuple):
    """An output asked for, and in which form."""

    name: str
    binary: bool


class V2Exchange:
    """A V2 REST request and its answer. `json_length` is the header's text, None without it."""

    __slots__ = ("_body", "_id", "_json_length", "_wanted")

    def __init__(self, body: bytes, json_length: str | None) -> None:
        self._body = body
        self._json_length = json_length
        self._id: str | None = None
        self._wanted: list[Wanted] | None = None

    def decode(self, plane: DataPlane) -> Rows:
        """The request's inputs as rows."""
        if self._json_length is None and len(self._body) >= large.LARGE_BYTES:
            rows = large.rows_of(self._body, plane)
            if rows is not None:
                self._id = rows.request_id
                return rows
        head, tail = _split(self._body, self._json_length)
        request = json_object(head)
        self._id = _get(request, "id", str)
        if "outputs" in request or "parameters" in request:
            self._wanted = _wanted(request, outputs.names_of(plane))
        rows = None if tail else lanes.rows_of(request.get("inputs"), plane, self._id)
        if rows is not None:
            return rows
        inputs = _require(request, "inputs", list, "The request")
        return to_rows(_tensors(inputs, tail), plane, self._id)

    def encode(self, plane: DataPlane, prediction: Prediction) -> HttpAnswer:
        """The outputs asked for, all if none was, with the request's id if it had one."""
        if self._wanted is None and len(prediction.probabilities) == 1:
            return HttpAnswer(row_answer_of(plane).written(prediction, self._id), {"content-type": JSON})
        wanted = self._wanted or [Wanted(name, binary=False) for name in outputs.names_of(plane)]
        chunks: list[bytes] = []
        found = [
            _described(output, each.binary, chunks)
            for output, each in zip(outputs.outputs_of(prediction, [each.name for each in wanted]), wanted, strict=True)
        ]
        head = document(plane, self._id, found)
        if not chunks:
            return HttpAnswer(head, {"content-type": JSON})
        headers = {"content-type": "application/octet-stream", JSON_LENGTH: str(len(head))}
        return HttpAnswer(b"".join([head, *chunks]), headers)


def _described(output: outputs.Output, binary: bool, chunks: list[bytes]) -> dict[str, Any]:
    """The output as the JSON has it; what follows the JSON is added to the chunks."""
    found = described(output)
    if not binary:
        return {**found, "data": output.json_values}
    chunks.append(output.to_binary())
    return {**found, "parameters": {"binary_data_size": len(chunks[-1])}}


def _split(body: bytes, json_length: str | None) -> tuple[bytes, bytes]:
    if json_length is None:
        return body, b""
    is_number = json_length.isascii() and json_length.isdigit() and len(json_length) < _MOST_DIGITS
    if not is_number or int(json_length) > len(body):
        raise InvalidRequestError(
            f"{JSON_LENGTH} is {shown(json_length)}; expected at most the body's {len(body)} bytes."
        )
    return body[: int(json_length)], body[int(json_length) :]


def _wanted(request: dict[str, Any], known: Sequence[str]) -> list[Wanted] | None:
    binary = bool(_get(_get(request, "parameters", dict) or {}, "binary_data_output", bool))
    asked = [_one_wanted(output, binary) for output in _get(request, "outputs", list) or []]
    outputs.require_known((wanted.name for wanted in asked), known)
    return asked or ([Wanted(name, binary) for name in known] if binary else None)


def _one_wanted(output: Any, binary: bool) -> Wanted:
    if not isinstance(output, dict):
        raise InvalidRequestError(f"An output is {shown(output)}; expected an object with a name.")
    own = _get(_get(output, "parameters", dict) or {}, "binary_data", bool)
    return Wanted(_require(output, "name", str, "An output"), binary if own is None else own)


def _tensors(inputs: list[Any], tail: bytes) -> list[tensors.Tensor]:
    if not inputs:
        raise InvalidRequestError("'inputs' is empty; expected one input a feature, or one matrix.")
    found, place = [], 0
    for entry in inputs:
        if not isinstance(entry, dict):
            raise InvalidRequestError(
                f"An input is {shown(entry)}; expected an object with name, datatype, shape and data."
            )
        size = _binary_size(entry)
        found.append(_tensor(entry, None if size is None else tail[place : place + size]))
        place += size or 0
    if place != len(tail):
        raise InvalidRequestError(f"{len(tail)} bytes follow the JSON; the inputs' binary_data_size add up to {place}.")
    return found


def _binary_size(entry: dict[str, Any]) -> int | None:
    if "data" in entry:
        return None
    size: int | None = _get(_get(entry, "parameters", dict) or {}, "binary_data_size", int)
    if size is not None and size < 0:
        raise InvalidRequestError(f"An input has binary_data_size {size}; expected at least 0.")
    return size


def _tensor(entry: dict[str, Any], raw: bytes | None) -> tensors.Tensor:
    name = _require(entry, "name", str, "An input")
    where = f"Input {name!r}"
    datatype = _require(entry, "datatype", str, where)
    shape = _require(entry, "shape", list, where)
    if not all(type(size) is int and size >= 0 for size in shape):
        raise InvalidRequestError(f"{where} has shape {shown(shape)}; expected a list of whole numbers.")
    if raw is not None:
        return tensors.from_binary(name, datatype, shape, raw)
    return tensors.from_values(name, datatype, shape, _require(entry, "data", list, where))


def _require(entry: Mapping[str, Any], key: str, kind: type, where: str) -> Any:
    value = entry.get(key)
    if type(value) is not kind:
        raise InvalidRequestError(f"{where} has {key} {shown(value)}; expected {_KINDS[kind]}.")
    return value


def _get(entry: Mapping[str, Any], key: str, kind: type) -> Any:
    return None if entry.get(key) is None else _require(entry, key, kind, "The request")
