"""What every pod of the platform's own keeps to: no privilege, no stranger, no secret in a file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from scripts.platform import keys
from tests.manifests.restricted import RESTRICTED

Json = Any
LONG = ("Deployment", "StatefulSet")
FRIENDS = {"driftloop", "kubeflow", "mlflow", "knative-eventing"}


@pytest.fixture(scope="module")
def workloads(ours: list[Json]) -> list[Json]:
    """Objects that make pods."""
    return [found for found in ours if found["kind"] in (*LONG, "Job")]


def test_there_is_something_to_look_at(workloads: list[Json]) -> None:
    """Two S3 servers and their buckets, MLflow, PostgreSQL, Redis, Kafka."""
    names = {found["metadata"]["name"] for found in workloads}
    assert names == {
        *("minio", "seaweedfs", "minio-buckets", "seaweedfs-buckets"),
        "mlflow",
        "postgres",
        "redis",
        "kafka",
    }


def test_every_container_is_restricted(workloads: list[Json]) -> None:
    """As the pod security standard asks, and a root file system that is read-only; a user with a number."""
    for found in workloads:
        assert found["spec"]["template"]["spec"]["securityContext"]["runAsUser"] > 0
        for container in _containers(found):
            assert container["securityContext"] == RESTRICTED, found["metadata"]["name"]


def test_the_container_that_fetches_models_is_restricted(renderings: dict[str, list[Json]]) -> None:
    """It runs in the predictor's pod, whose namespace refuses what is not; KServe's own has no such context."""
    [patched] = [one for one in renderings["kserve/core"] if one["kind"] == "ClusterStorageContainer"]
    context = patched["spec"]["container"]["securityContext"]
    assert context == {name: value for name, value in RESTRICTED.items() if name != "readOnlyRootFilesystem"}


def test_every_container_is_bounded(workloads: list[Json]) -> None:
    """In processor and memory."""
    for found in workloads:
        for container in _containers(found):
            resources = container["resources"]
            assert resources["requests"].keys() == resources["limits"].keys() == {"cpu", "memory"}


def test_every_server_is_probed(workloads: list[Json]) -> None:
    """At its start, for its readiness and for its life."""
    for found in workloads:
        if found["kind"] in LONG:
            for container in found["spec"]["template"]["spec"]["containers"]:
                assert {"startupProbe", "readinessProbe", "livenessProbe"} <= container.keys()


def test_every_image_is_named_in_full(workloads: list[Json]) -> None:
    """Registry, name and a tag that does not move."""
    for found in workloads:
        for container in _containers(found):
            name, _, tag = container["image"].partition(":")
            assert "." in name.partition("/")[0]
            assert any(letter.isdigit() for letter in tag)


def test_every_data_volume_outlives_its_pod(workloads: list[Json]) -> None:
    """A StatefulSet has a claim; what is only a cache has a size."""
    for found in workloads:
        if found["kind"] == "StatefulSet":
            assert found["spec"]["volumeClaimTemplates"]
        for volume in found["spec"]["template"]["spec"]["volumes"]:
            assert "sizeLimit" in volume.get("emptyDir", {"sizeLimit": ""})


def test_no_pod_can_ask_kubernetes(workloads: list[Json], ours: list[Json]) -> None:
    """Each has a ServiceAccount without a token, and no variables of other Services."""
    accounts = {
        (found["metadata"]["namespace"], found["metadata"]["name"])
        for found in ours
        if found["kind"] == "ServiceAccount" and found["automountServiceAccountToken"] is False
    }
    for found in workloads:
        pod = found["spec"]["template"]["spec"]
        assert (found["metadata"]["namespace"], pod["serviceAccountName"]) in accounts
        assert pod["enableServiceLinks"] is False


def test_every_server_has_a_list_of_guests(workloads: list[Json], ours: list[Json]) -> None:
    """A NetworkPolicy selects its pods, and names who may come in by which port."""
    policies = [found for found in ours if found["kind"] == "NetworkPolicy"]
    for found in (one for one in workloads if one["kind"] in LONG):
        own = [policy for policy in policies if _selects(policy, found)]
        assert own, found["metadata"]["name"]
        ports = {port["containerPort"] for each in _containers(found) for port in each.get("ports", [])}
        for rule in (rule for policy in own for rule in policy["spec"]["ingress"]):
            assert {port["port"] for port in rule["ports"]} <= ports
            assert rule["from"]
            assert {name for peer in rule["from"] for name in _namespaces(peer)} <= FRIENDS


def test_every_namespace_of_ours_enforces_it(ours: list[Json], workloads: list[Json]) -> None:
    """A container that is not restricted does not start there."""
    strict = {
        found["metadata"]["name"]
        for found in ours
        if found["kind"] == "Namespace"
        and found["metadata"].get("labels", {}).get("pod-security.kubernetes.io/enforce") == "restricted"
    }
    assert {found["metadata"]["namespace"] for found in workloads} <= strict


def test_no_secret_is_in_a_file(ours: list[Json]) -> None:
    """They are references only."""
    assert "Secret" not in {found["kind"] for found in ours}


def test_every_secret_that_is_named_is_made(workloads: list[Json]) -> None:
    """By the installer, with the key that is asked for."""
    made = keys.drawn()
    there = {place: set(values) for place, values in made.items()}
    there |= {
        (found["metadata"]["namespace"], found["metadata"]["name"]): set(found["data"]) for found in keys.derived(made)
    }
    asked = [(found["metadata"]["namespace"], *each) for found in workloads for each in _secrets(found)]
    assert len(asked) > 10
    for namespace, name, key in asked:
        assert key is None or key in there[namespace, name], (namespace, name, key)
        assert (namespace, name) in there


def test_mlflow_answers_to_its_names(renderings: dict[str, list[Json]]) -> None:
    """To each name of its Service and to a port-forward, all with the port; it compares the whole Host."""
    [deployment] = [found for found in renderings["mlflow"] if found["kind"] == "Deployment"]
    [container] = deployment["spec"]["template"]["spec"]["containers"]
    [names] = [one["value"] for one in container["env"] if one["name"] == "MLFLOW_SERVER_ALLOWED_HOSTS"]
    ours = [f"mlflow.mlflow{rest}:5000" for rest in ("", ".svc", ".svc.cluster.local")]
    assert set(names.split(",")) == {*ours, "localhost:5000", "127.0.0.1:5000"}


def test_clients_of_mlflow_go_to_s3_themselves(renderings: dict[str, list[Json]]) -> None:
    """So that a version has an address that KServe can read."""
    [deployment] = [found for found in renderings["mlflow"] if found["kind"] == "Deployment"]
    arguments = deployment["spec"]["template"]["spec"]["containers"][0]["args"]
    assert {"--no-serve-artifacts", f"--default-artifact-root=s3://{keys.BUCKETS[1]}/"} <= set(arguments)


def test_the_same_store_by_the_same_name(renderings: dict[str, list[Json]]) -> None:
    """Whichever S3 server is chosen, address, port and labels of its pods are the same."""
    minio, seaweedfs = (_store(renderings[f"object-store/{name}"]) for name in ("minio", "seaweedfs"))
    assert minio == seaweedfs
    host, port = keys.S3.split(":")
    assert (f"{minio[0]}.svc.cluster.local", minio[1]) == (host, int(port))


def _store(objects: list[Json]) -> tuple[str, int, int, str]:
    service = next(found for found in objects if found["kind"] == "Service")
    pods = next(found for found in objects if found["kind"] == "StatefulSet")["spec"]["template"]
    name = f"{service['metadata']['name']}.{service['metadata']['namespace']}"
    port = pods["spec"]["containers"][0]["ports"][0]["containerPort"]
    return name, service["spec"]["ports"][0]["port"], port, pods["metadata"]["labels"]["app.kubernetes.io/name"]


def _containers(found: Json) -> Iterator[Json]:
    pod = found["spec"]["template"]["spec"]
    yield from pod.get("initContainers", [])
    yield from pod["containers"]


def _selects(policy: Json, found: Json) -> bool:
    labels = found["spec"]["template"]["metadata"]["labels"]
    same_place = policy["metadata"]["namespace"] == found["metadata"]["namespace"]
    return bool(same_place and policy["spec"]["podSelector"]["matchLabels"].items() <= labels.items())


def _namespaces(peer: Json) -> Iterator[str]:
    for wish in peer.get("namespaceSelector", {}).get("matchExpressions", []):
        assert (wish["key"], wish["operator"]) == ("kubernetes.io/metadata.name", "In")
        yield from wish["values"]


def _secrets(value: Any) -> Iterator[tuple[str, str | None]]:
    """(name, key) of each Secret that is named; no key if all of it is."""
    if isinstance(value, list):
        for item in value:
            yield from _secrets(item)
    if isinstance(value, dict):
        for key, part in value.items():
            if key in ("secretKeyRef", "secretRef"):
                yield part["name"], part.get("key")
            elif key == "secretName":
                yield part, None
            yield from _secrets(part)
