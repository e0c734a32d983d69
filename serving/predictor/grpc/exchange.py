"""A ModelInferRequest → the bytes of its ModelInferResponse, with typed contents or raw bytes alike."""

from __future__ import annotations

import math
from typing import Any

from google.protobuf.message import DecodeError

from serving.errors import InvalidRequestError
from serving.predictor.dataplane import DataPlane, Prediction
from serving.predictor.grpc.messages import ModelInferResponse, PlainTensor
from serving.predictor.protocols import outputs, tensors
from serving.predictor.protocols.inputs import to_rows
from serving.predictor.rows import Rows

_CONTENTS = {
    "BOOL": "bool_contents",
    **dict.fromkeys(("INT8", "INT16", "INT32"), "int_contents"),
    "INT64": "int64_contents",
    **dict.fromkeys(("UINT8", "UINT16", "UINT32"), "uint_contents"),
    "UINT64": "uint64_contents",
    "FP32": "fp32_contents",
    "FP64": "fp64_contents",
    "BYTES": "bytes_contents",
}
_PACKED_SIZES = {"FP32": 4, "FP64": 8}


class GrpcExchange:
    """A V2 gRPC request and its answer, which is raw where the request was."""

    def __init__(self, request: Any) -> None:
        self._request = request
        self._raw = request.raw_input_contents

    def decode(self, plane: DataPlane) -> Rows:
        """The request's inputs as rows. NaN is a missing number, for gRPC has no null."""
        request, raw = self._request, self._raw
        if request.outputs:
            outputs.require_known((output.name for output in request.outputs), outputs.names_of(plane))
        inputs = request.inputs
        if not inputs:
            raise InvalidRequestError("The request has no inputs; expected one input a feature, or one matrix.")
        if not raw:
            found = [_typed(tensor) for tensor in inputs]
        elif len(raw) == len(inputs):
            found = [_raw(tensor, piece) for tensor, piece in zip(inputs, raw, strict=True)]
        else:
            raise InvalidRequestError(f"The request has {len(raw)} raw contents for {len(inputs)} inputs.")
        return to_rows(found, plane, request.id or None)

    def encode(self, plane: DataPlane, prediction: Prediction) -> bytes:
        """The outputs asked for, all if none was, with the request's id."""
        request, raw = self._request, bool(self._raw)
        names = [output.name for output in request.outputs] or outputs.names_of(plane)
        answer = ModelInferResponse(model_name=plane.name, model_version=plane.version, id=request.id)
        for output in outputs.outputs_of(prediction, names):
            tensor = answer.outputs.add(name=output.name, datatype=output.datatype, shape=output.shape)
            if raw:
                answer.raw_output_contents.append(output.to_binary())
            elif output.datatype == "BYTES":
                tensor.contents.bytes_contents.extend([text.encode() for text in output.values])
            else:
                tensor.contents.fp32_contents.append(output.to_binary())
        return answer.SerializeToString()  # type: ignore[no-any-return]


def _raw(tensor: Any, raw: bytes) -> tensors.Tensor:
    if tensor.HasField("contents"):
        raise InvalidRequestError(f"Input {tensor.name!r} has contents and raw contents; expected one of them.")
    return tensors.from_binary(tensor.name, tensor.datatype, list(tensor.shape), raw)


def _typed(tensor: Any) -> tensors.Tensor:
    name, datatype, shape = tensor.name, tensor.datatype, list(tensor.shape)
    field = _CONTENTS.get(datatype)
    if field is None:
        raise InvalidRequestError(f"Input {name!r} has datatype {datatype!r}; expected one of {list(_CONTENTS)}.")
    values = getattr(tensor.contents, field)
    tensors.require_dimensions(name, shape)
    if datatype in _PACKED_SIZES:
        packed = b"".join(values)
        if shape and min(shape) >= 0 and len(packed) == math.prod(shape) * _PACKED_SIZES[datatype]:
            return tensors.from_binary(name, datatype, shape, packed)
        values = _one_by_one(tensor, field)
    return tensors.from_values(name, datatype, shape, list(values))


def _one_by_one(tensor: Any, field: str) -> list[float]:
    """The numbers as protobuf itself reads them: not packed, or not as many as the shape expects."""
    try:
        return list(getattr(PlainTensor.FromString(tensor.SerializeToString()).contents, field))
    except DecodeError as error:
        raise InvalidRequestError(f"Input {tensor.name!r} cannot be read: {error}.") from error
