"""What an object names is there: in the rendering, or on the short list of what an installer makes."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
import yaml

from contracts.events import TYPES
from pocket import manifests
from pocket.checkout import ROOT
from pocket.kubernetes.status_error import Json

INSTALLED = {("Secret", manifests.KEYS)}
"""Made once a cluster; its keys are in no file."""
WRITTEN_BY_POCKET = {("ConfigMap", manifests.SETTINGS)}

REFERENCES = {
    "configMapRef": "ConfigMap",
    "configMapKeyRef": "ConfigMap",
    "secretRef": "Secret",
    "secretKeyRef": "Secret",
}


def test_everything_that_is_named_exists(folder: str, rendering: list[Json]) -> None:
    """ConfigMaps, Secrets, ServiceAccounts, Services and Brokers."""
    there = {(found["kind"], found["metadata"]["name"]) for found in rendering} | INSTALLED
    there |= WRITTEN_BY_POCKET if folder.endswith("pocket") else set()
    wanted = {name for found in rendering for name in references(found)}
    assert {kind for kind, _ in wanted} == {"ConfigMap", "Secret", "ServiceAccount", "Service", "Broker"}
    assert wanted - there == set()


def test_a_reference_to_nothing_is_caught(rendering: list[Json]) -> None:
    """Without the event log, what is sent to it goes nowhere."""
    left = [found for found in rendering if found["metadata"]["name"] != "eventlog"]
    wanted = {name for found in left for name in references(found)}
    assert ("Service", "eventlog") in wanted - {(found["kind"], found["metadata"]["name"]) for found in left}


def test_triggers_ask_for_events_that_there_are(rendering: list[Json]) -> None:
    """The type of each is one of the contract's; nobody is sent one twice, and every type goes somewhere."""
    specs = [found["spec"] for found in rendering if found["kind"] == "Trigger"]
    asked = [(spec["subscriber"]["ref"]["name"], kind) for spec in specs for kind in _types(spec)]
    assert {kind for _, kind in asked} == TYPES.keys()
    assert len(asked) == len(set(asked))


def _types(spec: Json) -> list[str]:
    """Types of events that a Trigger lets through, by `filter` or by `filters`, which wins."""
    if "filters" in spec:
        (either,) = spec["filters"]
        return [one["exact"]["type"] for one in either["any"]]
    return [str(spec["filter"]["attributes"]["type"])]


def test_secrets_are_in_no_rendering(rendering: list[Json]) -> None:
    """They are references, never values."""
    assert "Secret" not in {found["kind"] for found in rendering}


def test_the_settings_are_what_pocket_says_too(rendering: list[Json]) -> None:
    """A variable that pocket gives its containers exists on a cluster, so that no part can rely on the laptop."""
    settings = next((found["data"] for found in rendering if found["kind"] == "ConfigMap"), None)
    if settings is None:
        return  # the laptop's own overlay, for which pocket writes them
    made = {
        "AWS_ENDPOINT_URL_S3": "http://127.0.0.1:1",
        "AWS_REGION": "us-east-1",
        "KF_PIPELINES_ENDPOINT": "http://127.0.0.1:2",
        "K_SINK": "http://127.0.0.1:3/driftloop/driftloop",
    }
    assert manifests.config_map(made)["data"].keys() <= settings.keys()
    assert settings["DRIFTLOOP_CODE_VERSION"] == f"driftloop {metadata.version('driftloop')}"


def test_every_file_is_used() -> None:
    """One object a file, and each file in one kustomization."""
    for kustomization in ROOT.glob("manifests/[!p]*/**/kustomization.yaml"):
        folder = kustomization.parent
        body = yaml.safe_load(kustomization.read_text())
        used = {folder / name for name in body.get("resources", []) if name.endswith(".yaml")}
        used |= {folder / patch["path"] for patch in body.get("patches", [])}
        assert used | {kustomization} == set(folder.glob("**/*.yaml")), folder
        for path in used:
            assert len(list(yaml.safe_load_all(path.read_text()))) == 1, path


@pytest.mark.parametrize(
    "folder", [path.parent for path in ROOT.glob("manifests/[!p]*/**/kustomization.yaml")], ids=str
)
def test_every_folder_says_what_it_is(folder: Path) -> None:
    """A README of a few lines."""
    lines = (folder / "README.md").read_text().splitlines()
    assert lines[0] == f"# {folder.name}"
    assert 3 <= len(lines) <= 8


def references(value: Any) -> Iterator[tuple[str, str]]:
    """Kind and name of everything that a part of an object names."""
    if isinstance(value, list):
        for item in value:
            yield from references(item)
    if isinstance(value, dict):
        for key, part in value.items():
            if key in REFERENCES:
                yield REFERENCES[key], part["name"]
            elif key == "serviceAccountName":
                yield "ServiceAccount", part
            elif key == "broker":
                yield "Broker", part
            elif key == "ref":
                yield part["kind"], part["name"]
            elif key == "secrets":
                yield from (("Secret", each["name"]) for each in part)
            yield from references(part)
