"""Every service of manifests/base, started from its image with the manifest's own command: `make image-proof`."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import xgboost
import yaml
from image_container import Image, container

from contracts.model import Feature, ModelCard, sha256_of
from contracts.settings import Settings
from pocket.checkout import ROOT
from pocket.controllers.container import expanded
from pocket.ports import is_free

pytestmark = pytest.mark.timeout(3600)  # the first test builds

Json = dict[str, Any]
START_SECONDS = 120
ROWS = [[1.0, 2.0], [-1.0, 0.5], [0.3, -2.0]]
SETTINGS = "driftloop-settings"


@pytest.fixture(scope="module")
def objects() -> list[Json]:
    """manifests/base as kubectl renders it."""
    command = [str(Path(sys.executable).with_name("kubectl")), "kustomize", "manifests/base"]
    return list(yaml.safe_load_all(subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout))


@pytest.fixture(scope="module")
def here(objects: list[Json], s3_settings: Settings) -> dict[str, str]:
    """The manifests' settings, with a real S3 server of this machine's and nobody at the other addresses."""
    [settings] = [found["data"] for found in objects if found["metadata"]["name"] == SETTINGS and "data" in found]
    nobody = {"KF_PIPELINES_ENDPOINT": "http://127.0.0.1:9", "K_SINK": "http://127.0.0.1:9"}
    keys = {"AWS_ACCESS_KEY_ID": s3_settings.s3_access_key, "AWS_SECRET_ACCESS_KEY": s3_settings.s3_secret_key}
    own = {"AWS_ENDPOINT_URL_S3": s3_settings.s3_endpoint, "DRIFTLOOP_HOST": "127.0.0.1", **nobody, **keys}
    return {**settings, **own}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[float]]:
    """A model folder as the pipeline registers it, and the scores of `ROWS`."""
    folder = tmp_path_factory.mktemp("model")
    folder.chmod(0o755)  # its reader is another user
    matrix = np.random.default_rng(1).normal(size=(300, 2)).astype(np.float32)
    booster = xgboost.train(
        {"objective": "binary:logistic"}, xgboost.DMatrix(matrix, matrix[:, 0] > 0, feature_names=["a", "b"]), 5
    )
    booster.save_model(folder / "model.ubj")
    files = {"model.ubj": sha256_of(folder / "model.ubj")}
    features = (Feature(name="a"), Feature(name="b"))
    about = {"loop": "flights", "kind": "xgboost", "format": "xgboost-ubj", "model_file": "model.ubj"}
    ModelCard.model_validate({**about, "features": features, "labels": ("no", "yes"), "files": files}).write(folder)
    scores = booster.predict(xgboost.DMatrix(np.array(ROWS, np.float32), feature_names=["a", "b"]))
    return folder, [float(score) for score in scores]


@pytest.mark.parametrize("name", ["eventlog", "trigger", "drift"])
def test_it_becomes_ready(
    images: dict[str, Image], objects: list[Json], here: dict[str, str], name: str, tmp_path: Path
) -> None:
    """It answers its own readiness probe."""
    [service] = [found for found in objects if found["kind"] == "Service" and found["metadata"]["name"] == name]
    [told] = service["spec"]["template"]["spec"]["containers"]
    with started(images, told, here, tmp_path, {}) as (url, seconds):
        print(f"{name}: ready after {seconds:.1f} s")
        assert httpx.get(f"{url}/metrics").status_code == 200


def test_the_predictor_answers(
    images: dict[str, Image],
    objects: list[Json],
    here: dict[str, str],
    model: tuple[Path, list[float]],
    tmp_path: Path,
) -> None:
    """It becomes ready, and gives the probabilities that the library gives here."""
    folder, scores = model
    [runtime] = [found for found in objects if found["kind"] == "ServingRuntime"]
    [told] = runtime["spec"]["containers"]
    asked = {"inputs": [{"name": "rows", "shape": [3, 2], "datatype": "FP32", "data": ROWS}]}
    with started(images, told, here, tmp_path, {"/mnt/models": folder}) as (url, seconds):
        print(f"predictor: ready after {seconds:.1f} s")
        answer = httpx.post(f"{url}/v2/models/flights/infer", json=asked, timeout=60).raise_for_status().json()
    [probabilities] = [found["data"] for found in answer["outputs"] if found["name"] == "probabilities"]
    assert probabilities[1::2] == pytest.approx(scores, abs=1e-6)


@contextmanager
def started(
    images: dict[str, Image], told: Json, settings: dict[str, str], folder: Path, volumes: dict[str, Path]
) -> Iterator[tuple[str, float]]:
    """Address of a container of the manifests once its readiness probe is answered, and the seconds until then."""
    assert told["securityContext"]["runAsNonRoot"]
    assert told["securityContext"]["readOnlyRootFilesystem"]
    port = next(port for port in range(18080, 19080) if is_free(port))
    env = {**settings, "PORT": str(port)}
    command = [expanded(word, env).replace("{{.Name}}", "flights") for word in told["command"] + told.get("args", [])]
    image = images[told["image"].rpartition("/")[2].partition(":")[0]]
    url, begun = f"http://127.0.0.1:{port}", time.monotonic()
    with container(image, folder, command, env, volumes) as (process, log):
        while not _answers(url + told["readinessProbe"]["httpGet"]["path"]):
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < begun + START_SECONDS, log.read_text()
            time.sleep(0.1)
        yield url, time.monotonic() - begun
    print(json.dumps(command), log.read_text()[-500:], sep="\n")


def _answers(url: str) -> bool:
    try:
        return httpx.get(url).status_code == 200
    except httpx.TransportError:
        return False
