"""A shape of very many dimensions is a client's mistake like any other, and costs no time."""

from __future__ import annotations

import grpc
import pytest
from plain_messages import PlainInferRequest
from predictor_process import Server, assert_refused

SHAPE = [2**62] * 5000
MATRIX = {"name": "m", "datatype": "FP32", "shape": SHAPE}
WORDS = "5000 dimensions; expected [rows] or [rows, features]"


def test_json(sturdy_server: Server) -> None:
    """400."""
    answer = sturdy_server.post("/v2/models/flights/infer", {"inputs": [MATRIX | {"data": [0]}]})
    assert_refused(answer, 400, WORDS)


@pytest.mark.parametrize("more", [{"raw_input_contents": [b"\0" * 4]}, {}])
def test_grpc(sturdy_server: Server, more: dict[str, list[bytes]]) -> None:
    """INVALID_ARGUMENT."""
    message = PlainInferRequest(model_name="flights", inputs=[MATRIX], **more).SerializeToString()
    with grpc.insecure_channel(sturdy_server.grpc_address) as channel, pytest.raises(grpc.RpcError) as error:
        channel.unary_unary("/inference.GRPCInferenceService/ModelInfer")(message, timeout=30)
    assert (error.value.code().name, WORDS in error.value.details()) == ("INVALID_ARGUMENT", True)
