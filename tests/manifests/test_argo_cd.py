"""What Argo CD is told: the order of the platform, what the loop may hold, and what is a rollout's to write."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.inference_service import InferenceService, Served
from pocket.checkout import ROOT
from scripts.platform import plan

Json = dict[str, Any]
FOLDER = ROOT / "manifests" / "argo-cd"
REPOSITORY = "https://github.com/driftloop/driftloop.git"


def _read(name: str) -> Json:
    (found,) = yaml.safe_load_all((FOLDER / f"{name}.yaml").read_text())
    return dict(found)


def _rendered(folder: str) -> list[Json]:
    command = [str(Path(sys.executable).with_name("kubectl")), "kustomize", folder]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return list(yaml.safe_load_all(done.stdout))


def test_every_file_is_one_object_of_argo_cd() -> None:
    """Of its kinds, each with a name of its own, all of one repository; none in a kustomization."""
    found = [_read(path.stem) for path in FOLDER.glob("*.yaml")]
    assert len({(one["kind"], one["metadata"]["name"]) for one in found}) == len(found)
    for one in found:
        assert one["apiVersion"] == "argoproj.io/v1alpha1"
        spec = one["spec"].get("template", one)["spec"]
        assert spec.get("source", {}).get("repoURL", REPOSITORY) == REPOSITORY
        assert spec.get("sourceRepos", [REPOSITORY]) == [REPOSITORY]


def test_the_platform_comes_in_its_order() -> None:
    """One wave a folder, each after the one before, as they are installed by hand; production without what trains."""
    spec = _read("platform")["spec"]
    parts = [part for generator in spec["generators"] for part in _elements(generator)[1]]
    steps = [step["matchExpressions"] for step in spec["strategy"]["rollingSync"]["steps"]]
    waves = [value for (expression,) in steps for value in expression["values"]]
    assert waves == [one["wave"] for one in parts] == [str(number) for number in range(len(parts))]
    assert spec["template"]["metadata"]["labels"] == {"driftloop.dev/wave": "{{.wave}}"}
    for cluster, wishes in CLUSTERS.items():
        there = [parts for clusters, parts in map(_elements, spec["generators"]) if {"cluster": cluster} in clusters]
        chosen = [step.folder for step in plan.read().chosen(wishes)]
        assert [part["part"] for parts in there for part in parts] == chosen


CLUSTERS = {"staging": {}, "production": {"training": "elsewhere"}}


def _elements(generator: Json) -> list[list[Json]]:
    """Clusters, and parts for them."""
    return [part["list"]["elements"] for part in generator["matrix"]["generators"]]


@pytest.mark.parametrize("environment", ["staging", "production"])
def test_the_loop_may_hold_what_its_overlay_holds(environment: str) -> None:
    """Its kinds, in its namespaces, and no InferenceService: that is a rollout's."""
    overlay = f"manifests/overlays/{environment}"
    assert _read(environment)["spec"]["source"]["path"] == overlay
    folder = overlay if (ROOT / overlay).is_dir() else "manifests/base"
    project = _read("project-loop")["spec"]
    allowed = {(one["group"], one["kind"]) for one in project["namespaceResourceWhitelist"]}
    places = {one["namespace"] for one in project["destinations"] if one["name"] == environment}
    for found in _rendered(folder):
        group = found["apiVersion"].rpartition("/")[0]
        if found["kind"] != "Namespace":
            assert (group, found["kind"]) in allowed
            assert found["metadata"]["namespace"] in places
    assert ("serving.kserve.io", "InferenceService") not in allowed
    assert ("", "Secret") not in allowed


@pytest.mark.parametrize("environment", ["staging", "production"])
def test_what_a_rollout_writes_is_left_alone(environment: str) -> None:
    """The fields that it writes: the percent, those that name a version, and a canary of the mode Standard."""
    spec = _read(environment)["spec"]
    (ignored,) = spec["ignoreDifferences"]
    assert _written() <= set(ignored["jsonPointers"])
    assert (ignored["group"], ignored["kind"]) == ("serving.kserve.io", "InferenceService")
    assert {"RespectIgnoreDifferences=true", "ServerSideApply=true"} <= set(spec["syncPolicy"]["syncOptions"])
    assert ("automated" in spec["syncPolicy"]) == (environment == "staging")


class Recorder:
    """A client that has one InferenceService, and keeps what is written to it."""

    def __init__(self, body: Json) -> None:
        self.body = body
        self.written: Json = {}

    def get_namespaced_custom_object(self, *_: Any, **__: Any) -> Json:
        """The object."""
        return self.body

    def patch_namespaced_custom_object(self, *place: Any, **_: Any) -> None:
        """Keep the patch."""
        self.written = place[-1]["spec"]


def _written() -> set[str]:
    """Where a rollout writes, as JSON pointers."""
    env = [{"name": "DRIFTLOOP_MODEL_VERSION", "value": "1"}, {"name": "DRIFTLOOP_CARD_SHA256", "value": "1"}]
    model = {"storageUri": "s3://m/1/", "env": env}
    client = Recorder({"metadata": {"resourceVersion": "1"}, "spec": {"predictor": {"model": model}}})
    InferenceService(client, "driftloop", "flights").change(
        Served("2", "s3://m/2/", "2"), 10, over=Served("1", "s3://m/1/", "1")
    )
    return set(_pointers(client.written, "/spec"))


def _pointers(value: Json, place: str) -> Iterator[str]:
    for name, part in value.items():
        yield from _pointers(part, f"{place}/{name}") if isinstance(part, dict) else [f"{place}/{name}"]
