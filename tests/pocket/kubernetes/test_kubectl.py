"""The kubectl of its wheel, unmodified, with the kubeconfig the server writes."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kubernetes_api import Api, config, isvc

KUSTOMIZATION = """
namespace: shop
resources: [objects.yaml]
configMapGenerator:
- name: settings
  literals: [a=1]
"""
OBJECTS = """
apiVersion: v1
kind: Namespace
metadata: {name: shop}
---
apiVersion: v1
kind: Secret
metadata: {name: keys}
stringData: {key: word}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: robot}
secrets: [{name: keys}]
---
apiVersion: serving.kserve.io/v1alpha1
kind: ServingRuntime
metadata: {name: runtime}
spec:
  supportedModelFormats: [{name: sklearn}]
  containers: [{name: kserve-container, image: x}]
---
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {name: flights}
spec:
  predictor:
    model: {modelFormat: {name: sklearn}, storageUri: "s3://models/one/"}
---
apiVersion: serving.knative.dev/v1
kind: Service
metadata: {name: drift}
spec:
  template:
    spec:
      containers: [{image: x, env: [{name: A, value: b}], ports: [{containerPort: 8080}]}]
---
apiVersion: eventing.knative.dev/v1
kind: Broker
metadata: {name: default}
---
apiVersion: eventing.knative.dev/v1
kind: Trigger
metadata: {name: drift}
spec:
  broker: default
  filter: {attributes: {type: window}}
  subscriber: {ref: {apiVersion: serving.knative.dev/v1, kind: Service, name: drift}}
"""
STATUS = {"url": "http://flights.shop", "conditions": [{"type": "Ready", "status": "True"}]}


@pytest.fixture(scope="module")
def shop(api: Api, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A kustomization with one object of each kind, applied."""
    folder = tmp_path_factory.mktemp("shop")
    (folder / "kustomization.yaml").write_text(KUSTOMIZATION)
    (folder / "objects.yaml").write_text(OBJECTS)
    api.kubectl("apply", "--server-side", "-k", str(folder))
    yield folder
    api.kubectl("delete", "-k", str(folder), "--timeout=30s")
    assert "shop" not in api.kubectl("get", "namespaces")


def read(api: Api, *arguments: str) -> dict[str, Any]:
    """What `kubectl get -o json` says."""
    found: dict[str, Any] = json.loads(api.kubectl("get", "-o", "json", *arguments))
    return found


def test_a_kustomization_applied_twice_changes_nothing(api: Api, shop: Path) -> None:
    """Neither versions nor owners."""
    kinds = "secret,sa,cm,servingruntime,isvc,ksvc,broker,trigger"
    before = read(api, kinds, "-n", "shop", "--show-managed-fields")
    assert len(before["items"]) == 8
    api.kubectl("apply", "--server-side", "-k", str(shop))
    assert read(api, kinds, "-n", "shop", "--show-managed-fields")["items"] == before["items"]


def test_get_prints_the_columns_of_each_kind(api: Api, shop: Path) -> None:
    """URL and READY as KServe and Knative print them."""
    patch = json.dumps({"status": STATUS})
    for kind, name in (("isvc", "flights"), ("ksvc", "drift")):
        api.kubectl("patch", kind, name, "-n", "shop", "--subresource=status", "--type=merge", "-p", patch)
    header, row = api.kubectl("get", "isvc", "-n", "shop").splitlines()
    assert header.split()[:3] == ["NAME", "URL", "READY"]
    assert row.split()[:3] == ["flights", "http://flights.shop", "True"]
    columns = api.kubectl("get", "ksvc", "-n", "shop").split()
    assert columns[:6] == ["NAME", "URL", "LATESTCREATED", "LATESTREADY", "READY", "REASON"]
    assert "sklearn" in api.kubectl("get", "servingruntimes", "-n", "shop")
    assert "inferenceservice.serving.kserve.io/flights" in api.kubectl("get", "all", "-A", "-o", "name")


def test_describe(api: Api, shop: Path) -> None:
    """Of kinds kubectl knows and of others, with their events."""
    event = {"apiVersion": "v1", "kind": "Event", "metadata": {"generateName": "flights.", "namespace": "shop"}}
    uid = read(api, "isvc", "flights", "-n", "shop")["metadata"]["uid"]
    about = {"kind": "InferenceService", "name": "flights", "namespace": "shop", "uid": uid}
    told = {"involvedObject": about, "reason": "Began", "message": "it began", "type": "Normal"}
    api.kubectl("create", "-f", "-", text=json.dumps({**event, **told}))
    assert "it began" in api.kubectl("describe", "isvc", "flights", "-n", "shop")
    assert "4 bytes" in api.kubectl("describe", "secret", "keys", "-n", "shop")
    assert "Active" in api.kubectl("describe", "namespace", "shop")
    assert "robot" in api.kubectl("describe", "sa", "robot", "-n", "shop")
    assert "Began" in api.kubectl("get", "events", "-n", "shop")


def test_client_side_apply_takes_away_what_is_no_longer_said(api: Api) -> None:
    """By the annotation kubectl keeps, for core kinds and for custom resources; then server-side apply takes over."""
    api.kubectl("apply", "-f", "-", text=json.dumps(config("settings", a="1", b="2")))
    api.kubectl("apply", "-f", "-", text=json.dumps(config("settings", a="3")))
    assert read(api, "cm", "settings")["data"] == {"a": "3"}
    api.kubectl("diff", "-f", "-", text=json.dumps(config("settings", a="3")))  # which fails if anything differs
    api.kubectl("apply", "-f", "-", text=json.dumps(isvc("client", minReplicas=1)))
    api.kubectl("apply", "-f", "-", text=json.dumps(isvc("client")))
    assert "minReplicas" not in read(api, "isvc", "client")["spec"]["predictor"]
    api.kubectl("apply", "--server-side", "-f", "-", text=json.dumps(config("settings", c="4")))
    assert read(api, "cm", "settings")["data"] == {"c": "4"}


def test_server_side_conflicts_are_told_and_can_be_forced(api: Api) -> None:
    """Between two managers."""
    apply = ("apply", "--server-side", "-f", "-")
    api.kubectl(*apply, text=json.dumps(isvc("contested", minReplicas=1)))
    other = json.dumps(isvc("contested", minReplicas=2))
    told = api.try_kubectl(*apply, "--field-manager=other", text=other)
    assert told.returncode == 1
    assert 'conflict with "kubectl": .spec.predictor.minReplicas' in told.stderr
    api.kubectl(*apply, "--field-manager=other", "--force-conflicts", text=other)
    assert read(api, "isvc", "contested")["spec"]["predictor"]["minReplicas"] == 2


def test_patch_label_replace_delete_and_wait(api: Api) -> None:
    """The commands people type."""
    api.kubectl("create", "-f", "-", text=json.dumps(isvc("daily")))
    api.kubectl("patch", "isvc", "daily", "--type=merge", "-p", '{"spec":{"predictor":{"canaryTrafficPercent":0}}}')
    api.kubectl("wait", "--for=jsonpath={.spec.predictor.canaryTrafficPercent}=0", "isvc/daily", "--timeout=10s")
    api.kubectl("label", "isvc", "daily", "tier=gold")
    assert api.kubectl("get", "isvc", "-l", "tier=gold", "-o", "name").count("\n") == 1
    edited = read(api, "isvc", "daily")
    edited["spec"]["predictor"]["minReplicas"] = 3
    api.kubectl("replace", "-f", "-", text=json.dumps(edited))
    stale = api.try_kubectl("replace", "-f", "-", text=json.dumps(edited))
    assert "the object has been modified" in stale.stderr
    status = json.dumps({"status": STATUS})
    api.kubectl("patch", "isvc", "daily", "--subresource=status", "--type=merge", "-p", status)
    api.kubectl("wait", "--for=condition=Ready", "isvc/daily", "--timeout=10s")
    api.kubectl("delete", "isvc", "daily", "--timeout=10s")
    assert api.try_kubectl("get", "isvc", "daily").returncode == 1


def test_mistakes_are_named(api: Api) -> None:
    """A field nobody knows, a kind that is not served."""
    typo = json.dumps(isvc("typo", minReplica=1))
    for how in ([], ["--server-side"]):
        told = api.try_kubectl("apply", *how, "-f", "-", text=typo)
        assert 'unknown field "spec.predictor.minReplica"' in told.stderr
    deployment = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}}
    told = api.try_kubectl("apply", "-f", "-", text=json.dumps(deployment))
    assert 'no matches for kind "Deployment"' in told.stderr
    assert "FIELD: minReplicas <integer>" in api.kubectl("explain", "isvc.spec.predictor.minReplicas")


def test_watch(api: Api) -> None:
    """`kubectl get -w` prints a line for each change."""
    api.kubectl("create", "-f", "-", text=json.dumps(isvc("watched")))
    command = [api.program, "get", "isvc", "-w", "--field-selector=metadata.name=watched"]
    with subprocess.Popen(command, env=api.env, stdout=subprocess.PIPE, text=True) as watching:
        assert watching.stdout is not None
        assert watching.stdout.readline().startswith("NAME")
        assert watching.stdout.readline().startswith("watched")
        patch = json.dumps({"status": STATUS})
        api.kubectl("patch", "isvc", "watched", "--subresource=status", "--type=merge", "-p", patch)
        assert watching.stdout.readline().split()[:3] == ["watched", "http://flights.shop", "True"]
        watching.terminate()
