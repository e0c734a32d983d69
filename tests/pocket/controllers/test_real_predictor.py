"""The real predictor with a real model on a real S3 server, asked by the clients people have, unmodified."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xgboost
from controllers_parts import IMAGE, Home, Json, wait_until
from kubernetes import client as kubernetes

from contracts.model import Feature, ModelCard, sha256_of
from contracts.objects import ObjectStore
from contracts.settings import Settings
from pocket.kubernetes import access

TRITON = """
import json, sys
import numpy as np, tritonclient.grpc, tritonclient.http
rows, found = np.array([[100.0], [2000.0]], dtype=np.float32), {}
for module in (tritonclient.http, tritonclient.grpc):
    client = module.InferenceServerClient(sys.argv[1])
    assert client.is_server_ready() and client.is_model_ready("flights")
    tensor = module.InferInput("distance", [2, 1], "FP32")
    tensor.set_data_from_numpy(rows)
    answers = [client.infer("flights", [tensor]).as_numpy(sys.argv[2]) for _ in range(40)]
    found[module.__name__] = sorted({tuple(round(float(row[1])) for row in answer) for answer in answers})
print(json.dumps(found))
"""
"""What both of Triton's clients hear of two rows, 1 for late, asked 40 times. In a process of its own: its protocol
buffers have the names of KServe's."""


def model_folder(folder: Path, boundary: int) -> str:
    """A small XGBoost model that says 1 above a boundary; the digest of its card."""
    folder.mkdir(parents=True)
    matrix = np.arange(0, 3000, 10, dtype=np.float32).reshape(-1, 1)
    data = xgboost.DMatrix(matrix, matrix[:, 0] > boundary, feature_types=["q"])
    xgboost.train({"objective": "binary:logistic", "nthread": 1}, data, 5).save_model(folder / "model.ubj")
    files = {"model.ubj": sha256_of(folder / "model.ubj")}
    head = {"loop": "flights", "kind": "xgboost", "format": "xgboost-ubj", "model_file": "model.ubj"}
    card = ModelCard(**head, features=(Feature(name="distance"),), labels=("on_time", "late"), files=files)
    return card.write(folder)


@pytest.fixture
def versions(tmp_path: Path, s3_settings: Settings) -> dict[str, str]:
    """Two versions on S3, with the digests of their cards."""
    store, digests = ObjectStore(s3_settings), {}
    for version, boundary in (("1", 1000), ("2", 50)):
        digests[version] = model_folder(tmp_path / version, boundary)
        for path in (tmp_path / version).iterdir():
            store.put_file(f"s3://{s3_settings.data_bucket}/served/{version}/{path.name}", path)
    return digests


def platform(settings: Settings) -> list[Json]:
    """The ServingRuntime of the predictor, and the settings and keys it is given."""
    data = {"AWS_ENDPOINT_URL_S3": settings.s3_endpoint, "AWS_REGION": "us-east-1", "DRIFTLOOP_HOST": "127.0.0.1"}
    keys = {"AWS_ACCESS_KEY_ID": settings.s3_access_key, "AWS_SECRET_ACCESS_KEY": settings.s3_secret_key}
    container = {
        "name": "kserve-container",
        "image": IMAGE,
        "command": ["python", "-m", "serving.predictor"],
        "args": ["--model_name={{.Name}}", "--model_dir=/mnt/models", "--host=$(DRIFTLOOP_HOST)"],
        "envFrom": [
            {"configMapRef": {"name": "driftloop-settings"}},
            {"secretRef": {"name": "driftloop-s3"}},
        ],
        "ports": [{"containerPort": 8080}],
        "readinessProbe": {"httpGet": {"path": "/v2/health/ready", "port": 8080}},
    }
    spec = {"supportedModelFormats": [{"name": "driftloop"}], "containers": [container]}
    head = {"apiVersion": "serving.kserve.io/v1alpha1", "kind": "ServingRuntime"}
    return [
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "driftloop-settings"}, "data": data},
        {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "driftloop-s3"}, "stringData": keys},
        {**head, "metadata": {"name": "driftloop-predictor"}, "spec": spec},
    ]


@pytest.mark.slow
@pytest.mark.timeout(400)  # on a busy machine the predictor and each client import for a minute
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of the clients' dependencies, as they are imported
def test_the_real_predictor_behind_envoy(home: Home, versions: dict[str, str], s3_settings: Settings) -> None:
    """KServe's client creates, waits and patches; Triton's clients get both versions' answers over REST and gRPC."""
    import kserve

    for obj in platform(s3_settings):
        home.apply(obj)

    def wanted(version: str, percent: int | None = None) -> Any:
        """The InferenceService of a version, in KServe's own classes."""
        env = {"DRIFTLOOP_MODEL_VERSION": version, "DRIFTLOOP_CARD_SHA256": versions[version]}
        model = kserve.V1beta1ModelSpec(
            model_format=kserve.V1beta1ModelFormat(name="driftloop"),
            runtime="driftloop-predictor",
            storage_uri=f"s3://{s3_settings.data_bucket}/served/{version}/",
            env=[kubernetes.V1EnvVar(name=name, value=value) for name, value in env.items()],
        )
        predictor = kserve.V1beta1PredictorSpec(model=model, canary_traffic_percent=percent)
        return kserve.V1beta1InferenceService(
            api_version="serving.kserve.io/v1beta1",
            kind="InferenceService",
            metadata=kubernetes.V1ObjectMeta(name="flights", namespace="default"),
            spec=kserve.V1beta1InferenceServiceSpec(predictor=predictor),
        )

    serving = kserve.KServeClient(config_file=str(access.kubeconfig_path(home.path)))
    serving.create(wanted("1"))
    serving.wait_isvc_ready("flights", namespace="default", timeout_seconds=120, polling_interval=0.2)
    address = serving.get("flights", namespace="default")["status"]["url"].removeprefix("http://")
    assert triton(address) == {"tritonclient.http": [[0, 1]], "tritonclient.grpc": [[0, 1]]}
    serving.patch("flights", wanted("2", percent=50))
    generation = home.get("InferenceService", "flights")["metadata"]["generation"]
    wait_until(lambda: home.get("InferenceService", "flights")["status"]["observedGeneration"] == generation)
    serving.wait_isvc_ready("flights", namespace="default", timeout_seconds=120, polling_interval=0.2)
    both = [[0, 1], [1, 1]]
    assert triton(address) == {"tritonclient.http": both, "tritonclient.grpc": both}  # two versions, one address
    home.delete("InferenceService", "flights")
    wait_until(lambda: not home.runs("flights-predictor-00002"))


def triton(address: str) -> dict[str, list[list[int]]]:
    """The different answers that each client heard."""
    command = [sys.executable, "-c", TRITON, address, "probabilities"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    found: dict[str, list[list[int]]] = json.loads(done.stdout)
    return found
