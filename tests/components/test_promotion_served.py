"""Approved and promoted for real: the predictor serves in two namespaces behind Envoy, and the smoke test asks it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from components import rollout
from components.cluster import custom_objects
from components.promotion import Promotion
from contracts.loop import LoopSpec
from contracts.settings import Settings
from feature_store.contract import DataContract
from pocket import manifests
from pocket.checkout import ROOT
from pocket.kubernetes import access
from tests.components.promotion_scene import Predictor, Scene, scene_of
from tests.pocket.controllers.controllers_parts import IMAGE, KIND, Home, Json, running

PREDICTOR = ROOT / "manifests" / "base" / "predictor"
NAMES = ("servingruntime", "serviceaccount")


@pytest.fixture
def home(services: Settings, plain_env: dict[str, str], tmp_path: Path) -> Iterator[Home]:
    """The Kubernetes API, controllers and Envoy, with what a predictor needs in both namespaces."""
    with running(tmp_path / "home", plain_env) as found:
        found.call("POST", KIND["Namespace"].path(""), {"metadata": {"name": "production"}})
        for namespace in ("default", "production"):
            for body in _platform(services):
                path = f"{KIND[body['kind']].path(namespace)}/{body['metadata']['name']}?fieldManager=test"
                found.call("PATCH", path, body, "application/apply-patch+yaml")
        yield found


def _platform(services: Settings) -> list[Json]:
    """What manifests/base gives a predictor, with this machine's addresses and keys."""
    runtime, account = (yaml.safe_load((PREDICTOR / f"{name}.yaml").read_text()) for name in NAMES)
    runtime["spec"]["containers"][0]["image"] = IMAGE
    data = {"AWS_ENDPOINT_URL_S3": services.s3_endpoint, "AWS_REGION": "us-east-1", "DRIFTLOOP_HOST": "127.0.0.1"}
    keys = {"AWS_ACCESS_KEY_ID": services.s3_access_key, "AWS_SECRET_ACCESS_KEY": services.s3_secret_key}
    head = {"apiVersion": "v1", "metadata": {"name": manifests.SETTINGS}}
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": manifests.KEYS}, "stringData": keys}
    return [runtime, account, {**head, "kind": "ConfigMap", "data": data}, secret]


@pytest.mark.slow
@pytest.mark.timeout(300)  # MLflow and two predictors start, one after the other
def test_a_version_serves_in_both(
    home: Home,
    services: Settings,
    spec: LoopSpec,
    frame: Path,
    contract: DataContract,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Rolled out into the first environment, asked there for the model's own scores, promoted into the second."""
    monkeypatch.setenv("KUBECONFIG", str(access.kubeconfig_path(home.path)))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", services.s3_access_key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", services.s3_secret_key)
    monkeypatch.setenv("AWS_DEFAULT_REGION", services.s3_region)
    monkeypatch.setenv("MLFLOW_S3_ENDPOINT_URL", services.s3_endpoint)
    scene = _scene(services, spec, tmp_path)
    version = scene.version(frame, contract, trees=3)
    rollout.run(scene.settings, scene.spec, version.number, "canary", tmp_path / "first.html")
    approval = scene.approve(version)
    assert (approval.smoke.rows, approval.smoke.difference <= 1e-6) == (8, True)
    assert scene.promote(version).state == "promoted"
    kept = Promotion.model_validate_json(scene.tags(version)["promotion.production"])
    assert kept.smoke is not None
    for environment in (scene.source, scene.target):
        service = scene.service(environment)
        state = service.read()
        assert state is not None
        assert (state.served.number, state.is_whole) == (version.number, True)
        service.delete()


def _scene(services: Settings, spec: LoopSpec, tmp_path: Path) -> Scene:
    """Predictors are found by their status."""
    found = scene_of(services, spec.model_copy(update={"name": "served"}), Predictor(""), custom_objects(), tmp_path)
    rules = found.spec.rollout.model_copy(update={"ready_seconds": 100})
    return replace(found, spec=found.spec.model_copy(update={"rollout": rules}))
