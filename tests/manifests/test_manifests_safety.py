"""What every container keeps to, so that it runs in a namespace that is restricted."""

from __future__ import annotations

from importlib import metadata
from typing import Any

import pytest

from tests.manifests.pods import is_knative
from tests.manifests.renderings import Json, rendered
from tests.manifests.restricted import RESTRICTED

QUEUE_PROXY_CPU = 25
"""Thousandths, as Knative has it."""
REPLICAS = "autoscaling.knative.dev/{}-scale"


@pytest.fixture
def pods(rendering: list[Json]) -> list[Json]:
    """Specs that hold containers."""
    runtimes = [found["spec"] for found in rendering if found["kind"] == "ServingRuntime"]
    return runtimes + [found["spec"]["template"]["spec"] for found in rendering if is_knative(found)]


@pytest.fixture
def containers(pods: list[Json]) -> list[Json]:
    """Every container."""
    return [container for pod in pods for container in pod["containers"]]


def test_every_container_is_restricted(containers: list[Json]) -> None:
    """No root, no writable root, no privilege: the pod security standard, and a read-only file system."""
    assert len(containers) == 4
    for container in containers:
        assert container["securityContext"] == RESTRICTED


def test_the_namespace_enforces_it(rendering: list[Json]) -> None:
    """A container that is not restricted does not start."""
    [namespace] = [found for found in rendering if found["kind"] == "Namespace"]
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"


def test_every_container_is_probed_and_bounded(containers: list[Json]) -> None:
    """Readiness, liveness, and bounds of processor and memory."""
    for container in containers:
        assert container["readinessProbe"]["httpGet"]["path"]
        assert container["livenessProbe"]["httpGet"]["path"]
        assert container["resources"]["requests"].keys() == container["resources"]["limits"].keys() == {"cpu", "memory"}


def test_every_container_can_write_somewhere(pods: list[Json]) -> None:
    """Where it mounts a volume that is emptied with it, and has a size."""
    for pod in pods:
        sizes = {volume["name"]: volume["emptyDir"]["sizeLimit"] for volume in pod["volumes"]}
        mounts = {
            mount["mountPath"]: mount["name"] for container in pod["containers"] for mount in container["volumeMounts"]
        }
        assert sizes[mounts["/tmp"]]


def test_every_image_has_a_version(containers: list[Json]) -> None:
    """One of ours, at the version of this code: it does not move."""
    for container in containers:
        name, _, version = container["image"].partition(":")
        assert name.startswith("ghcr.io/driftloop/")
        assert version == metadata.version("driftloop")


def test_what_counts_has_one_replica(rendering: list[Json]) -> None:
    """The event log and the trigger are never two, and never none."""
    services = {found["metadata"]["name"]: found for found in rendering if is_knative(found)}
    for name in ("eventlog", "trigger"):
        annotations: dict[str, Any] = services[name]["spec"]["template"]["metadata"]["annotations"]
        assert annotations[REPLICAS.format("min")] == annotations[REPLICAS.format("max")] == "1"


PROBES = {"eventlog": "/readyz", "drift": "/healthz", "trigger": "/healthz"}
"""The event log is ready once it knows what is on S3; the others as soon as they answer."""


def test_a_service_is_ready_when_it_can_do_its_work(rendering: list[Json]) -> None:
    """Its readiness probe asks for that."""
    services = [found for found in rendering if is_knative(found)]
    probes = {
        found["metadata"]["name"]: found["spec"]["template"]["spec"]["containers"][0]["readinessProbe"]
        for found in services
    }
    assert {name: probe["httpGet"]["path"] for name, probe in probes.items()} == PROBES


def test_it_fits_a_small_cluster() -> None:
    """In kind two predictors and one of each service, Knative's sidecars too, ask for half a CPU and 2 GiB at most."""
    objects = rendered("manifests/overlays/kind")
    asked = [found["spec"]["containers"][0] for found in objects if found["kind"] == "ServingRuntime"] * 2
    asked += [found["spec"]["template"]["spec"]["containers"][0] for found in objects if is_knative(found)]
    assert len(asked) == 5
    requests = [container["resources"]["requests"] for container in asked]
    assert sum(int(each["cpu"].removesuffix("m")) + QUEUE_PROXY_CPU for each in requests) <= 500
    assert sum(int(each["memory"].removesuffix("Mi")) for each in requests) <= 2048


def test_no_service_is_reached_from_outside(rendering: list[Json]) -> None:
    """Events come from the Broker, which is inside."""
    for found in rendering:
        if is_knative(found):
            assert found["metadata"]["labels"]["networking.knative.dev/visibility"] == "cluster-local"


def test_no_token_of_the_api_is_mounted(rendering: list[Json]) -> None:
    """No part of the loop that runs here asks Kubernetes for anything."""
    accounts = [found for found in rendering if found["kind"] == "ServiceAccount"]
    assert [found["automountServiceAccountToken"] for found in accounts] == [False] * 4
