"""kubectl and the laptop's Kubernetes API: the objects go in as they are, and a second time nothing changes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from contracts.errors import UnavailableError
from pocket import manifests, services
from pocket.kubernetes import access, service
from pocket.launcher import Launcher
from pocket.progress import silent

KINDS = "namespace,secret,sa,cm,servingruntime,ksvc,broker,trigger"
Kubectl = Callable[..., str]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A home whose API is up and holds the loop's objects; nothing turns them into processes."""
    home = tmp_path_factory.mktemp("manifests") / "home"
    launcher = Launcher(home, silent)
    try:
        launcher.settle(launcher.begin(service.service(home, os.environ)))
        manifests.write_settings(home, env_of(home))
        manifests.apply(home, os.environ)
        yield home
    finally:
        services.down(home, silent)


@pytest.fixture
def kubectl(home: Path) -> Kubectl:
    """Runs kubectl in the loop's namespace; its output."""

    def run(*arguments: str) -> str:
        own = {"KUBECONFIG": str(access.kubeconfig_path(home)), "KUBECACHEDIR": str(home / "cache")}
        command = [str(Path(sys.executable).with_name("kubectl")), "-n", "driftloop", *arguments]
        return subprocess.run(command, env={**os.environ, **own}, capture_output=True, text=True, check=True).stdout

    return run


def test_applied_twice_nothing_changes(home: Path, kubectl: Kubectl) -> None:
    """Neither versions nor owners, of the manifests and of what `up` writes."""
    before = json.loads(kubectl("get", KINDS, "-o", "json", "--show-managed-fields"))["items"]
    manifests.write_settings(home, env_of(home))
    assert manifests.apply(home, os.environ).count("serverside-applied") == 15
    assert json.loads(kubectl("get", KINDS, "-o", "json", "--show-managed-fields"))["items"] == before


def test_the_settings_of_this_machine_stand(home: Path, kubectl: Kubectl) -> None:
    """The overlay does not lay the cluster's addresses over them; keys are in the Secret alone."""
    settings = json.loads(kubectl("get", "cm", manifests.SETTINGS, "-o", "json"))["data"]
    assert settings["AWS_ENDPOINT_URL_S3"] == "http://127.0.0.1:8400"
    assert (settings["DRIFTLOOP_HOST"], settings["DRIFTLOOP_NAMESPACE"]) == ("127.0.0.1", "driftloop")
    assert settings["DRIFTLOOP_PAYLOAD_ROWS"] == "7"
    assert "DRIFTLOOP_SERVICE_TOKEN" not in settings
    assert "word" not in str(settings)
    keys = json.loads(kubectl("get", "secret", manifests.KEYS, "-o", "json"))
    assert keys["data"] == {"AWS_ACCESS_KEY_ID": "a2V5", "AWS_SECRET_ACCESS_KEY": "d29yZA=="}
    assert keys["metadata"]["annotations"]["serving.kserve.io/s3-endpoint"] == "127.0.0.1:8400"
    assert keys["metadata"]["annotations"]["serving.kserve.io/s3-usehttps"] == "0"


def test_what_is_deleted_comes_back(home: Path, kubectl: Kubectl) -> None:
    """kubectl delete takes an object away, another apply brings it."""
    kubectl("delete", "trigger", "window")
    assert "window" not in kubectl("get", "triggers")
    manifests.apply(home, os.environ)
    assert "window" in kubectl("get", "triggers")


def test_a_manifest_with_a_slip_is_told(home: Path, tmp_path: Path) -> None:
    """The error has kubectl's own words, with the field."""
    (tmp_path / "kustomization.yaml").write_text("resources: [broker.yaml]\n")
    body = "apiVersion: eventing.knative.dev/v1\nkind: Broker\nmetadata: {name: x}\nspek: {}\n"
    (tmp_path / "broker.yaml").write_text(body)
    with pytest.raises(UnavailableError, match="spek"):
        manifests.apply(home, os.environ, str(tmp_path))


def env_of(home: Path) -> dict[str, str]:
    """What `up` would know."""
    return {
        "DRIFTLOOP_HOME": str(home),
        "AWS_ENDPOINT_URL_S3": "http://127.0.0.1:8400",
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "word",
        "DRIFTLOOP_CODE_VERSION": "0123",
        "DRIFTLOOP_PAYLOAD_ROWS": "7",
        "DRIFTLOOP_SERVICE_TOKEN": "of this process",
    }
