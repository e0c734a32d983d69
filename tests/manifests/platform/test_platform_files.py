"""Each file has its place, and each version is written as versions.toml has it."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from typing import Any

import yaml

from scripts.platform.plan import PLATFORM, read


def test_every_folder_is_a_step(folder: str) -> None:
    """In the order of installation, once."""
    assert [step.folder for step in read().steps].count(folder) == 1


def test_every_step_has_a_third_party(folder: str, versions: Mapping[str, Any]) -> None:
    """Whose it is stands in versions.toml, but for the namespaces, which are ours."""
    owners = [name for name, party in versions["party"].items() if folder in party["folders"]]
    assert len(owners) == (folder != "namespaces")


def test_every_step_is_a_folder() -> None:
    """No step names one that is not there."""
    assert all((PLATFORM / step.folder / "kustomization.yaml").is_file() for step in read().steps)


def test_every_file_is_used(folder: str, kustomization: Mapping[str, Any]) -> None:
    """A resource, a patch, or a part of a ConfigMap; one object a file."""
    place = PLATFORM / folder
    resources = kustomization.get("resources", [])
    used = {place / name for name in resources if "://" not in name and not name.startswith("../")}
    used |= {place / patch["path"] for patch in kustomization.get("patches", [])}
    for path in used:
        assert len(list(yaml.safe_load_all(path.read_text()))) == 1, path
    used |= {place / name for made in kustomization.get("configMapGenerator", []) for name in made["files"]}
    there = {path for path in place.rglob("*") if path.is_file() and "charts" not in path.parts}  # Helm fetches those
    assert used | {place / "kustomization.yaml"} == there


def test_what_is_fetched_has_the_version(
    folder: str, kustomization: Mapping[str, Any], versions: Mapping[str, Any]
) -> None:
    """In its address: a release or a tag, never a branch; by HTTPS."""
    version = _version(folder, versions)
    for address in (name for name in kustomization.get("resources", []) if "://" in name):
        assert address.startswith("https://")
        assert any(part in (version, f"v{version}", f"knative-v{version}") for part in _parts(address)), address
    for chart in kustomization.get("helmCharts", []):
        assert chart["version"] == version


def test_what_is_run_has_the_version(folder: str, renderings: Mapping[str, Any], versions: Mapping[str, Any]) -> None:
    """The image of each long-running container of ours, but for PostgreSQL's, which `why` names."""
    version, why = _version(folder, versions), _party(folder, versions).get("why", "")
    for found in renderings.get(folder, []):
        if found["kind"] in ("Deployment", "StatefulSet") and "selector" in found["spec"]:
            for container in found["spec"]["template"]["spec"]["containers"]:
                tag = container["image"].rpartition(":")[2]
                assert version in tag or tag.partition("-")[0] in why, container["image"]


def test_mlflow_is_the_version_of_the_lock() -> None:
    """Clients and server are of one release."""
    lock = (PLATFORM.parents[1] / "requirements" / "main.txt").read_text()
    version = tomllib.loads((PLATFORM / "versions.toml").read_text())["party"]["mlflow"]["version"]
    assert f"\nmlflow=={version} " in lock


def _party(folder: str, versions: Mapping[str, Any]) -> Mapping[str, Any]:
    return next((party for party in versions["party"].values() if folder in party["folders"]), {})


def _version(folder: str, versions: Mapping[str, Any]) -> str:
    return str(_party(folder, versions).get("version", ""))


def _parts(address: str) -> list[str]:
    return address.replace("?ref=", "/").split("/")
