"""Steps of the compiled pipeline, started as Kubeflow Pipelines starts them: `make image-proof`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from image_container import Image, said

from contracts.loop import LoopSpec
from contracts.settings import Settings
from pipelines.compile import COMPILED, LOOPS

pytestmark = pytest.mark.timeout(3600)  # the first test builds

DAY = {"start": "2013-01-01", "end": "2013-01-03"}


def test_steps_run(images: dict[str, Image], services: Settings, tmp_path: Path) -> None:
    """Two of them run in the image, by the command of the compiled pipeline, on real rows and a real S3 server.

    Where KFP mounts a volume there is one; everything else is read-only.
    """
    place = tmp_path / "s3"
    place.mkdir()
    place.chmod(0o777)
    spec = LoopSpec.load(LOOPS / "flights.toml").to_json()
    raw = {"raw": _artifact("raw", "system.Dataset")}
    refined = {"refined": _artifact("refined", "system.Dataset"), "report": _artifact("report", "system.HTML")}
    run = Step(images["driftloop"], tmp_path, services, place)
    versions = {"code_version": "unknown", "data_version": "1"}
    run.step("ingest", {"spec": spec, **versions, **DAY}, {}, raw)
    run.step("validate", {"spec": spec, **versions}, raw, refined)
    manifest = json.loads((place / "artifacts" / "refined").read_text())
    assert sum(part["rows"] for part in manifest["partitions"]) > 1000
    assert "<html" in (place / "artifacts" / "report").read_text()


class Step:
    """Runs steps, whose artifacts stay in one folder."""

    def __init__(self, image: Image, folder: Path, settings: Settings, place: Path) -> None:
        self._image, self._folder, self._place = image, folder, place
        pipeline, _ = yaml.safe_load_all(COMPILED.read_text())  # the second is what Kubernetes is told
        self._executors = pipeline["deploymentSpec"]["executors"]
        self._env = {
            "AWS_ENDPOINT_URL_S3": settings.s3_endpoint,
            "AWS_ACCESS_KEY_ID": settings.s3_access_key,
            "AWS_SECRET_ACCESS_KEY": settings.s3_secret_key,
            "MLFLOW_TRACKING_URI": settings.mlflow_tracking_uri,
        }

    def step(self, name: str, values: dict[str, str], inputs: dict[str, Any], outputs: dict[str, Any]) -> None:
        """Run one, with its executor's command and arguments."""
        told = self._executors[f"exec-{name}"]["container"]
        task = {
            "inputs": {"parameterValues": values, "artifacts": inputs},
            "outputs": {"artifacts": outputs, "outputFile": "/tmp/kfp_outputs/output_metadata.json"},
        }
        arguments = [json.dumps(task) if word == "{{$}}" else word for word in told["args"]]
        print(said(self._image, self._folder, told["command"] + arguments, self._env, {"/s3": self._place})[-1000:])


def _artifact(name: str, kind: str) -> dict[str, Any]:
    told = {"name": name, "uri": f"s3://artifacts/{name}", "type": {"schemaTitle": kind}, "metadata": {}}
    return {"artifacts": [told]}
