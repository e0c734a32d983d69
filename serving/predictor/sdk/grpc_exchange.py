"""The V2 protocol over gRPC: ModelInferRequest → ModelInferResponse, typed contents or raw bytes alike."""

from __future__ import annotations

from typing import Any

from kserve.protocol.grpc import grpc_predict_v2_pb2 as pb

from serving.errors import InvalidRequestError
from serving.predictor.dataplane import DataPlane, Prediction
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


class GrpcExchange:
    """A V2 gRPC request and its answer, which is raw where the request was."""

    def __init__(self, request: pb.ModelInferRequest) -> None:
        self._request = request

    def decode(self, plane: DataPlane) -> Rows:
        """The request's inputs as rows. NaN is a missing number, for gRPC has no null."""
        outputs.require_known(output.name for output in self._request.outputs)
        raw = self._request.raw_input_contents
        if not self._request.inputs:
            raise InvalidRequestError("The request has no inputs; expected one input a feature, or one matrix.")
        if raw and len(raw) != len(self._request.inputs):
            raise InvalidRequestError(
                f"The request has {len(raw)} raw contents for {len(self._request.inputs)} inputs."
            )
        pieces: list[bytes | None] = list(raw) or [None] * len(self._request.inputs)
        found = [_tensor(tensor, piece) for tensor, piece in zip(self._request.inputs, pieces, strict=True)]
        return to_rows(found, plane, self._request.id or None)

    def encode(self, plane: DataPlane, prediction: Prediction) -> pb.ModelInferResponse:
        """The outputs asked for, all if none was, with the request's id."""
        names = [output.name for output in self._request.outputs] or list(outputs.NAMES)
        answer = pb.ModelInferResponse(model_name=plane.name, model_version=plane.version, id=self._request.id)
        for output in outputs.outputs_of(prediction, names):
            tensor = answer.outputs.add(name=output.name, datatype=output.datatype, shape=output.shape)
            if self._request.raw_input_contents:
                answer.raw_output_contents.append(output.to_binary())
            elif output.datatype == "BYTES":
                tensor.contents.bytes_contents.extend(text.encode() for text in output.values)
            else:
                tensor.contents.fp32_contents.extend(output.values)
        return answer


def _tensor(tensor: Any, raw: bytes | None) -> tensors.Tensor:
    name, datatype, shape = tensor.name, tensor.datatype, list(tensor.shape)
    if raw is not None:
        if tensor.HasField("contents"):
            raise InvalidRequestError(f"Input {name!r} has contents and raw contents; expected one of them.")
        return tensors.from_binary(name, datatype, shape, raw)
    field = _CONTENTS.get(datatype)
    if field is None:
        raise InvalidRequestError(f"Input {name!r} has datatype {datatype!r}; expected one of {list(_CONTENTS)}.")
    return tensors.from_values(name, datatype, shape, list(getattr(tensor.contents, field)))
