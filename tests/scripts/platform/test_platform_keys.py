"""Keys are drawn once; who needs them has the same ones."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from pocket.kubernetes import access
from scripts.platform import keys, kubectl, plan
from scripts.platform.rendering import render

pytestmark = [pytest.mark.usefixtures("cluster"), pytest.mark.xdist_group("platform")]

TRUTH = tuple(keys.drawn())


@pytest.fixture(scope="module")
def installed(home: Path) -> None:
    """The namespaces that the first step brings, and the keys."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KUBECONFIG", str(access.kubeconfig_path(home)))
        patch.setenv("KUBECACHEDIR", str(home / "cache"))
        kubectl.apply(render(plan.read().steps[0]).text, "test")
        keys.ensure()


@pytest.mark.usefixtures("installed")
def test_a_second_installation_keeps_the_keys() -> None:
    """Each Secret that is the truth is as it was; what is told of it comes back when it was deleted."""
    before = {place: value_of(*place) for place in TRUTH}
    told = value_of("driftloop", "driftloop-s3")
    kubectl.run("delete", "secret", "driftloop-s3", "--namespace=driftloop")
    keys.ensure()
    assert {place: value_of(*place) for place in TRUTH} == before
    assert value_of("driftloop", "driftloop-s3") == told


@pytest.mark.usefixtures("installed")
def test_everybody_has_the_same_keys() -> None:
    """The loop, its pipelines, MLflow and the S3 server; Redis and whoever reads features."""
    s3 = value_of("object-store", "s3-keys")
    assert (
        value_of("driftloop", "driftloop-s3")
        == value_of("kubeflow", "driftloop-s3")
        == value_of("mlflow", "mlflow-s3")
        == s3
    )
    assert s3["AWS_SECRET_ACCESS_KEY"] in value_of("object-store", "s3-identities")["s3.json"]
    password = value_of("redis", "redis")["password"]
    assert value_of("kubeflow", "driftloop-redis")["DRIFTLOOP_FEAST_ONLINE_STORE"].endswith(f",password={password}")
    assert value_of("mlflow", "postgres")["password"] in value_of("mlflow", "mlflow")["MLFLOW_BACKEND_STORE_URI"]


@pytest.mark.usefixtures("installed")
def test_kserve_finds_the_store_by_the_secret() -> None:
    """Its annotations say where the keys hold."""
    found = kubectl.find("secret", "driftloop-s3", "driftloop")
    assert found is not None
    about = found["metadata"]["annotations"]
    assert about["serving.kserve.io/s3-endpoint"] == keys.S3
    assert about["serving.kserve.io/s3-usehttps"] == "0"


@pytest.mark.usefixtures("installed")
def test_keys_of_another_store_stay() -> None:
    """Whoever has an S3 of his own, or production with staging's, has said so by the Secret's annotation."""
    about = {keys.ENDPOINT: "s3.example.com"}
    mine = keys._secret("driftloop", "driftloop-s3", {"AWS_ACCESS_KEY_ID": "mine"}, about)
    kubectl.run("delete", "secret", "driftloop-s3", "--namespace=driftloop")
    kubectl.run("create", "--filename=-", stdin=json.dumps(mine))
    keys.ensure()
    assert value_of("driftloop", "driftloop-s3") == {"AWS_ACCESS_KEY_ID": "mine"}
    kubectl.run("delete", "secret", "driftloop-s3", "--namespace=driftloop")
    keys.ensure()
    assert value_of("driftloop", "driftloop-s3") == value_of("object-store", "s3-keys")


def test_no_two_keys_are_alike() -> None:
    """Each is drawn, and long; only hexadecimal digits, which need no quoting anywhere."""
    first, second = keys.drawn(), keys.drawn()
    words = [
        value for values in (*first.values(), *second.values()) for name, value in values.items() if "." not in name
    ]
    assert len(words) == len(set(words))
    passwords = [values["password"] for values in first.values() if "password" in values]
    assert all(len(bytes.fromhex(word)) == 24 for word in passwords)


def value_of(namespace: str, name: str) -> Mapping[str, str]:
    """The values of a Secret."""
    found = kubectl.find("secret", name, namespace)
    assert found is not None, (namespace, name)
    return {key: base64.b64decode(value).decode() for key, value in found["data"].items()}
