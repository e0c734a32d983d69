"""Clients as people have them, of three kinds of model: every protocol and form gives the same answers, to the bit."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import xgboost
from jsonschema import Draft202012Validator
from predictor_process import Server, running

from contracts.model import Feature, ModelCard, sha256_of

FEATURES = tuple(Feature(name=name) for name in "abc")
TRITON = """
import json, sys
import numpy as np
import tritonclient.grpc, tritonclient.http

rows, wanted = np.array(json.loads(sys.argv[3]), dtype=np.float32), json.loads(sys.argv[4])
found = {}
for module, address in ((tritonclient.http, sys.argv[1]), (tritonclient.grpc, sys.argv[2])):
    client = module.InferenceServerClient(address)
    live = client.is_server_live(), client.is_server_ready(), client.is_model_ready("flights", "7")
    described = client.get_model_metadata("flights")
    platform = described["platform"] if isinstance(described, dict) else described.platform
    assert (live, platform) == ((True, True, True), "xgboost_ubj"), (live, platform)
    http = module is tritonclient.http
    for binary_in, binary_out in ((False, False), (True, True), (False, True)) if http else ((True, True),):
        tensor = module.InferInput("m", list(rows.shape), "FP32")
        tensor.set_data_from_numpy(rows, **({"binary_data": binary_in} if http else {}))
        outputs = [module.InferRequestedOutput(n, **({"binary_data": binary_out} if http else {})) for n in wanted]
        answer = client.infer("flights", [tensor], outputs=outputs, request_id="a")
        response = answer.get_response()
        given = response["outputs"] if http else response.outputs
        assert [one["name"] if http else one.name for one in given] == wanted
        texts = {n: answer.as_numpy(n) for n in wanted}
        name = f"{module.__name__} {binary_in} {binary_out}"
        found[name] = {n: [t.decode() if isinstance(t, bytes) else t for t in v.tolist()] for n, v in texts.items()}
    try:
        client.infer("flights", [module.InferInput("m", [1, 3], "FP32")], model_version="8")
    except Exception as error:
        assert "8" in str(error), error
    else:
        raise AssertionError("another version has answered")
print(json.dumps(found))
"""
KSERVE = """
import asyncio, json, logging, sys
import numpy as np
from kserve import InferenceGRPCClient, InferenceRESTClient, InferInput, InferRequest, RESTConfig

logging.disable()
rows, wanted = np.array(json.loads(sys.argv[3]), dtype=np.float32), json.loads(sys.argv[4])


def told(answer):
    values = {output.name: np.asarray(output.as_numpy()) for output in answer.outputs}
    return {n: [t.decode() if isinstance(t, bytes) else t for t in values[n].tolist()] for n in wanted}


def asked(binary):
    tensor = InferInput("m", list(rows.shape), "FP32")
    tensor.set_data_from_numpy(rows, binary_data=binary)
    return InferRequest("flights", [tensor], parameters={"binary_data_output": binary})


async def main():
    found, url = {}, "http://" + sys.argv[1]
    for protocol in ("v1", "v2"):
        client = InferenceRESTClient(RESTConfig(protocol=protocol, retries=0))
        assert await client.is_server_live(url) if protocol == "v2" else True
        assert await client.is_model_ready(url, "flights")
        if protocol == "v1":
            found["v1"] = (await client.infer(url, {"instances": rows.tolist()}, model_name="flights"))["predictions"]
        else:
            for binary in (False, True):
                found[f"rest {binary}"] = told(await client.infer(url, asked(binary), model_name="flights"))
        await client.close()
    async with InferenceGRPCClient(sys.argv[2]) as client:
        assert await client.is_server_ready() and await client.is_model_ready("flights")
        for binary in (False, True):
            found[f"grpc {binary}"] = told(await client.infer(asked(binary)))
    print(json.dumps(found))


asyncio.run(main())
"""
TASKS: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "two classes": ({"objective": "binary:logistic"}, ("no", "yes")),
    "three classes": ({"objective": "multi:softprob", "num_class": 3}, ("low", "middle", "h\u00efgh")),
    "regression": ({"objective": "reg:squarederror"}, ()),
}
ROWS = np.random.default_rng(3).normal(size=(5, 3)).astype(np.float32)


@pytest.mark.parametrize("task", TASKS)
def test_every_client_hears_the_same(task: str, tmp_path: Path) -> None:
    """NVIDIA's and KServe's clients over REST and gRPC, JSON and binary; the answers are the native library's."""
    labels = TASKS[task][1]
    values = _folder(task, tmp_path)
    with running(tmp_path, tmp_path / "server.log", "--model-version", "7") as server:
        wanted = ["label", "probabilities"] if labels else ["prediction"]
        told = _told(TRITON, server, wanted) | _told(KSERVE, server, wanted)
        _assert_documented(server, wanted)
    expected: dict[str, Any] = {"prediction": values.tolist()}
    if labels:
        expected = {"label": [labels[best] for best in values.argmax(axis=1)], "probabilities": values.tolist()}
    first = [{"label": label, "probabilities": dict(zip(labels, row, strict=True))} for label, row in _rows(expected)]
    assert told.pop("v1") == (first if labels else values.tolist())
    assert len(told) == 8
    for form, found in told.items():
        assert found == expected, form


def _rows(expected: dict[str, Any]) -> list[tuple[str, list[float]]]:
    return list(zip(expected.get("label", ()), expected.get("probabilities", ()), strict=True))


def _folder(task: str, folder: Path) -> npt.NDArray[np.float32]:
    """Write a model of that kind; what it says to ROWS."""
    params, labels = TASKS[task]
    matrix = np.random.default_rng(2).normal(size=(300, 3)).astype(np.float32)
    target = np.digitize(matrix[:, 0], [-0.5, 0.5][: max(1, len(labels) - 1)]) if labels else matrix[:, 0] * 100
    data = xgboost.DMatrix(matrix, target, feature_names=list("abc"), feature_types=["q"] * 3)
    booster = xgboost.train({**params, "nthread": 1, "max_depth": 3}, data, 10)
    booster.save_model(folder / "model.ubj")
    ModelCard(
        loop="flights",
        kind="test",
        task="classification" if labels else "regression",
        format="xgboost-ubj",
        model_file="model.ubj",
        features=FEATURES,
        labels=labels,
        files={"model.ubj": sha256_of(folder / "model.ubj")},
    ).write(folder)
    said = booster.predict(xgboost.DMatrix(ROWS, feature_names=list("abc"), feature_types=["q"] * 3))
    return np.stack([1 - said, said], axis=1) if len(labels) == 2 else said


def _told(script: str, server: Server, wanted: list[str]) -> dict[str, Any]:
    """What a client's process found. One of its own: their protocol buffers have the same names."""
    http = server.url.removeprefix("http://")
    line = [sys.executable, "-c", script, http, server.grpc_address, json.dumps(ROWS.tolist()), json.dumps(wanted)]
    process = subprocess.run(line, capture_output=True, text=True, timeout=90, check=False)
    assert process.returncode == 0, process.stderr
    found: dict[str, Any] = json.loads(process.stdout.splitlines()[-1])
    return found


def _assert_documented(server: Server, wanted: list[str]) -> None:
    """Answers of this kind of model are as the OpenAPI document has them."""
    document = json.loads(server.get("/openapi.json")[1])
    tensor = {"name": "m", "datatype": "FP32", "shape": [1, 3], "data": [0, 0, 0]}
    asked = {
        "V1Answer": ("/v1/models/flights:predict", {"instances": [[0, 0, 0]]}),
        "V2Answer": ("/v2/models/flights/infer", {"inputs": [tensor], "outputs": [{"name": name} for name in wanted]}),
    }
    for name, (path, body) in asked.items():
        schema = {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
        Draft202012Validator(schema).validate(json.loads(server.post(path, body)[1]))
    request = {"$ref": "#/components/schemas/V2Request", "components": document["components"]}
    Draft202012Validator(request).validate(asked["V2Answer"][1])
