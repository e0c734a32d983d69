"""What Argo CD is told: the order of the platform, what the loop may hold, and what is a rollout's to write."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.inference_service import Served, model_of
from pocket.checkout import ROOT

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
    """One wave a folder, each after the one before, as they are installed by hand with the first of each choice."""
    spec = _read("platform")["spec"]
    clusters, parts = (part["list"]["elements"] for part in spec["generators"][0]["matrix"]["generators"])
    assert [one["cluster"] for one in clusters] == ["staging", "production"]
    steps = [step["matchExpressions"] for step in spec["strategy"]["rollingSync"]["steps"]]
    waves = [value for (expression,) in steps for value in expression["values"]]
    assert waves == [one["wave"] for one in parts] == [str(number) for number in range(len(parts))]
    assert spec["template"]["metadata"]["labels"] == {"driftloop.dev/wave": "{{.wave}}"}
    install = ROOT / "manifests" / "platform" / "install.toml"
    if install.is_file():
        plan = tomllib.loads(install.read_text())
        chosen = {name: choices[0] for name, choices in plan["choices"].items()}
        by_default = [step["folder"] for step in plan["step"] if step.get("when", {}).items() <= chosen.items()]
        assert [one["part"] for one in parts] == by_default


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
    """Exactly the fields that it writes: the percent and those that name a version."""
    spec = _read(environment)["spec"]
    (ignored,) = spec["ignoreDifferences"]
    written = {f"/spec/predictor/model/{field}" for field in model_of(Served("1", "s3://m/1/", "0" * 64), {})}
    assert set(ignored["jsonPointers"]) == {"/spec/predictor/canaryTrafficPercent", *written}
    assert (ignored["group"], ignored["kind"]) == ("serving.kserve.io", "InferenceService")
    assert {"RespectIgnoreDifferences=true", "ServerSideApply=true"} <= set(spec["syncPolicy"]["syncOptions"])
    assert ("automated" in spec["syncPolicy"]) == (environment == "staging")
