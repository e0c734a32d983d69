"""The clients people have: NVIDIA's and KServe's, each in a process of its own, for their messages share names."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest
from grpc_parts import serving

TRITON = """
import json, sys
import numpy as np
import tritonclient.grpc as triton

client = triton.InferenceServerClient(sys.argv[1])
tensor = triton.InferInput("m", [2, 2], "FP32")
tensor.set_data_from_numpy(np.array([[0.25, 0], [0.75, np.nan]], dtype=np.float32))
late = triton.InferInput("late", [1], "FP64")
late.set_data_from_numpy(np.array([0.25]))
colour = triton.InferInput("colour", [1], "BYTES")
colour.set_data_from_numpy(np.array(["red"], dtype=object))
answers = [
    client.infer("flights", [tensor], model_version="7", request_id="a", client_timeout=30, compression_algorithm=how)
    for how in (None, "gzip", "deflate")
]
columns = client.infer("flights", [late, colour], outputs=[triton.InferRequestedOutput("label")])
try:
    client.infer("trains", [tensor])
except triton.InferenceServerException as error:
    refused = error.status(), error.message()
print(json.dumps({
    "ready": [client.is_server_live(), client.is_server_ready(), client.is_model_ready("flights", "7")],
    "server": client.get_server_metadata(as_json=True),
    "model": client.get_model_metadata("flights", as_json=True),
    "answers": [[answer.get_response().id, answer.as_numpy("probabilities").tolist(),
                 answer.as_numpy("label").astype(str).tolist()] for answer in answers],
    "columns": [output.name for output in columns.get_response().outputs],
    "refused": refused,
}))
"""
KSERVE = """
import asyncio, json, logging, sys
import numpy as np
from kserve import InferenceGRPCClient, InferInput, InferRequest

logging.disable()


async def main():
    async with InferenceGRPCClient(sys.argv[1]) as client:
        answers = []
        for raw in (True, False):
            tensor = InferInput("m", [2, 2], "FP32")
            tensor.set_data_from_numpy(np.array([[0.25, 0], [0.75, np.nan]], dtype=np.float32), binary_data=raw)
            answer = await client.infer(InferRequest("flights", [tensor], request_id="a"))
            found = {output.name: output.as_numpy() for output in answer.outputs}
            answers.append([answer.id, found["probabilities"].tolist(), [text.decode() for text in found["label"]]])
        try:
            await client.infer(InferRequest("trains", [tensor]))
        except Exception as error:
            refused = "StatusCode." + error.code().name, error.details()
        ready = [await client.is_server_live(), await client.is_server_ready(), await client.is_model_ready("flights")]
        print(json.dumps({"ready": ready, "answers": answers, "refused": refused}))

asyncio.run(main())
"""
PROBABILITIES = [[0.75, 0.25], [0.25, 0.75]]


@pytest.mark.parametrize(("script", "ways"), [(TRITON, 3), (KSERVE, 2)], ids=["triton", "kserve"])
def test_a_client(script: str, ways: int) -> None:
    """Readiness, a matrix however it is sent, the request's id, and a refusal with its words."""
    found = _told(script)
    assert found["ready"] == [True] * 3
    assert found["answers"] == [["a", PROBABILITIES, ["no", "yes"]]] * ways
    assert found["refused"] == ["StatusCode.NOT_FOUND", "Model 'trains' does not exist; expected 'flights'."]
    if script is TRITON:
        assert found["columns"] == ["label"]
        assert (found["server"]["name"], found["model"]["versions"]) == ("driftloop-predictor", ["7"])
        assert [tensor["name"] for tensor in found["model"]["inputs"]] == ["late", "colour"]


def _told(script: str) -> Any:
    with serving() as served:
        line = [sys.executable, "-c", script, served.address]
        process = subprocess.run(line, capture_output=True, text=True, timeout=90, check=False)
    assert process.returncode == 0, process.stderr
    return json.loads(process.stdout.splitlines()[-1])
