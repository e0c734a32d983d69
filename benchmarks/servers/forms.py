"""What is asked, in each form, as each server wants it: exactly the bytes that the load consists of."""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass, field
from typing import Any

from servers.models import NAME, Matrix

JSON, BINARY, GRPC = "JSON", "binary", "gRPC"
V2_PATH = f"/v2/models/{NAME}/infer"
GRPC_PATH = "/inference.GRPCInferenceService/ModelInfer"
JSON_LENGTH = "inference-header-content-length"


@dataclass(frozen=True)
class Asked:
    """One request."""

    form: str
    path: str
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)


def v2_json(matrix: Matrix, **extra: Any) -> Asked:
    """The matrix as one tensor, its numbers as people write them: four decimals."""
    tensor = {**_tensor(matrix), "data": [round(value, 4) for value in matrix.ravel().tolist()]}
    body = json.dumps({"inputs": [tensor], **extra}, separators=(",", ":"))
    return Asked(JSON, V2_PATH, body.encode(), {"content-type": "application/json"})


def v2_binary(matrix: Matrix) -> Asked:
    """The matrix as bytes after the JSON; the answer is wanted so, too."""
    tensor = {**_tensor(matrix), "parameters": {"binary_data_size": matrix.nbytes}}
    head = json.dumps({"inputs": [tensor], "parameters": {"binary_data_output": True}}).encode()
    headers = {"content-type": "application/octet-stream", JSON_LENGTH: str(len(head))}
    return Asked(BINARY, V2_PATH, head + matrix.tobytes(), headers)


def v2_grpc(matrix: Matrix, output: str | None = None) -> Asked:
    """A ModelInferRequest with raw contents, framed as gRPC has it."""
    from tritonclient.grpc import service_pb2

    request = service_pb2.ModelInferRequest(model_name=NAME)
    tensor = _tensor(matrix)
    request.inputs.add(**tensor)
    request.raw_input_contents.append(matrix.tobytes())
    if output:
        request.outputs.add(name=output)
    message = request.SerializeToString()
    headers = {"content-type": "application/grpc", "te": "trailers"}
    return Asked(GRPC, GRPC_PATH, struct.pack(">BI", 0, len(message)) + message, headers)


def plain_json(matrix: Matrix) -> Asked:
    """A list of rows, which the FastAPI server takes: no protocol but its own."""
    rows = [[round(value, 4) for value in row] for row in matrix.tolist()]
    body = json.dumps({"rows": rows}, separators=(",", ":"))
    return Asked(JSON, "/predict", body.encode(), {"content-type": "application/json"})


def _tensor(matrix: Matrix) -> dict[str, Any]:
    return {"name": "rows", "datatype": "FP32", "shape": list(matrix.shape)}
