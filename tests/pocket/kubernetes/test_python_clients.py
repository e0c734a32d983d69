"""The Kubernetes client and KServe's, unmodified, with the kubeconfig the server writes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from kubernetes import client, watch
from kubernetes import config as kube_config
from kubernetes_api import Api, isvc

from pocket.kubernetes import access

ISVC = ("serving.kserve.io", "v1beta1", "default", "inferenceservices")


@pytest.fixture(scope="module")
def kubernetes(api: Api) -> Any:
    """A client of the Kubernetes API."""
    return kube_config.new_client_from_config(str(access.kubeconfig_path(api.home)))


def test_core_kinds_have_their_types(kubernetes: Any) -> None:
    """CoreV1Api creates, reads, patches, lists and deletes."""
    core = client.CoreV1Api(kubernetes)
    body = client.V1Secret(metadata=client.V1ObjectMeta(name="typed"), string_data={"a": "b"})
    assert core.create_namespaced_secret("default", body).data == {"a": "Yg=="}
    core.patch_namespaced_secret("typed", "default", {"stringData": {"c": "d"}})
    assert core.read_namespaced_secret("typed", "default").data == {"a": "Yg==", "c": "ZA=="}
    listed = core.list_namespaced_secret("default", field_selector="metadata.name=typed").items
    assert [item.metadata.name for item in listed] == ["typed"]
    assert core.delete_namespaced_secret("typed", "default").status == "Success"
    with pytest.raises(client.ApiException) as told:
        core.read_namespaced_secret("typed", "default")
    assert told.value.status == 404
    assert [found.metadata.name for found in core.list_namespace().items].count("default") == 1


def test_a_watch_begins_with_what_there_is(kubernetes: Any) -> None:
    """Then tells of each change, until it is stopped."""
    custom = client.CustomObjectsApi(kubernetes)
    custom.create_namespaced_custom_object(*ISVC, isvc("client-watched"))
    watching, seen = watch.Watch(), []
    selector = "metadata.name=client-watched"
    stream = watching.stream(custom.list_namespaced_custom_object, *ISVC, field_selector=selector, timeout_seconds=20)
    for event in stream:
        seen.append(event["type"])
        if event["type"] == "ADDED":
            patch = {"status": {"url": "http://x"}}
            custom.patch_namespaced_custom_object_status(*ISVC, "client-watched", patch)
        elif event["type"] == "MODIFIED":
            custom.delete_namespaced_custom_object(*ISVC, "client-watched")
        else:
            watching.stop()
    assert seen == ["ADDED", "MODIFIED", "DELETED"]


def test_a_version_that_is_forgotten_is_gone(kubernetes: Any) -> None:
    """A watch that asks for one the server never had is told to list again."""
    custom = client.CustomObjectsApi(kubernetes)
    with pytest.raises(client.ApiException) as told:
        list(watch.Watch().stream(custom.list_namespaced_custom_object, *ISVC, resource_version="99999999"))
    assert told.value.status == 410


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of KServe's dependencies, as they are imported
def test_kserve_client(api: Api, kubernetes: Any) -> None:
    """Create, get, patch, wait until ready, replace, delete."""
    import kserve
    from kserve import KServeClient

    def wanted(**predictor: object) -> Any:
        """The object as KServe's own classes have it."""
        model = kserve.V1beta1ModelSpec(model_format=kserve.V1beta1ModelFormat(name="sklearn"), storage_uri="s3://m/1/")
        spec = kserve.V1beta1InferenceServiceSpec(predictor=kserve.V1beta1PredictorSpec(model=model, **predictor))
        named = client.V1ObjectMeta(name="sdk", namespace="default")
        head = {"api_version": "serving.kserve.io/v1beta1", "kind": "InferenceService", "metadata": named}
        return kserve.V1beta1InferenceService(**head, spec=spec)

    serving = KServeClient(config_file=str(access.kubeconfig_path(api.home)))
    serving.create(wanted())
    assert not serving.is_isvc_ready("sdk", namespace="default")
    serving.patch("sdk", wanted(min_replicas=2))
    ready = {"url": "http://sdk", "conditions": [{"type": "Ready", "status": "True"}]}
    custom = client.CustomObjectsApi(kubernetes)
    custom.patch_namespaced_custom_object_status(*ISVC, "sdk", {"status": ready})
    serving.wait_isvc_ready("sdk", namespace="default", timeout_seconds=20, polling_interval=1)
    serving.replace("sdk", wanted(min_replicas=3))
    found = serving.get("sdk", namespace="default")
    assert found["spec"]["predictor"]["minReplicas"] == 3
    assert found["status"]["url"] == "http://sdk"
    serving.delete("sdk", namespace="default")
    with pytest.raises(RuntimeError):
        serving.get("sdk", namespace="default")


def test_the_kubeconfig_is_its_owners(api: Api) -> None:
    """Nobody else may read the token, the key or the objects."""
    files = [Path(api.home / "kubeconfig"), *(api.home / "secrets").glob("kubernetes*")]
    assert len(files) == 3
    assert {path.stat().st_mode & 0o077 for path in files} == {0}
    assert (api.home / "kubernetes").stat().st_mode & 0o077 == 0
