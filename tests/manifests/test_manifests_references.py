"""What an object names is there: in the rendering, or on the list of what the platform and its installer make."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
import yaml

from components import inference_service
from contracts.events import TYPES
from pocket import manifests
from pocket.checkout import ROOT
from tests.manifests.closure import missing, name_of
from tests.manifests.pods import is_knative, trains
from tests.manifests.renderings import POCKET, Json, rendered

WRITTEN_BY_POCKET = ("ConfigMap", "driftloop", manifests.SETTINGS)
NAMED = ("Namespace", "ConfigMap", "ServiceAccount", "Broker", "Role")


def test_everything_that_is_named_exists(folder: str, rendering: list[Json]) -> None:
    """Namespaces, ConfigMaps, Secrets, ServiceAccounts, Services, Brokers, Roles, addresses, labels, variables."""
    assert missing(rendering, {WRITTEN_BY_POCKET} if folder == POCKET else set()) == set()


def test_whatever_is_missing_is_noticed(cluster: list[Json]) -> None:
    """Each object that others name, taken away."""
    named = [found for found in cluster if found["kind"] in NAMED or is_knative(found)]
    unseen = [name_of(found) for found in named if not missing([other for other in cluster if other is not found])]
    # The first is named by what a rollout makes, the second by the compiled pipeline.
    by_others = [("ServiceAccount", "driftloop", inference_service.ACCOUNT)]
    by_others += [("ConfigMap", "kubeflow", manifests.SETTINGS)] if trains(cluster) else []
    assert unseen == by_others


SLIPS = ["//s3.", "//mlflow.", ":9000", ":5000", "//ml-pipeline", "//pipelines", ":8888", "object-store", "staging"]
SLIPS += ["/driftloop/dri"]


def test_a_slip_in_an_address_is_noticed(cluster: list[Json]) -> None:
    """In its service, its port, its namespace, its Broker."""
    text = str([found["data"] for found in cluster if found["kind"] == "ConfigMap"])
    slips = [part for part in SLIPS if part in text]
    assert len(slips) >= 5
    for part in slips:
        changed = copy.deepcopy(cluster)
        settings = next(found["data"] for found in changed if found["kind"] == "ConfigMap")
        for key, value in settings.items():
            settings[key] = value.replace(part, f"{part[:-1]}7")
        assert missing(changed), part


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


def test_the_settings_are_what_pocket_says_too(folder: str, rendering: list[Json]) -> None:
    """A variable that pocket gives its containers exists on a cluster, so that no part can rely on the laptop."""
    if folder == POCKET:
        return  # the laptop's own overlay, for which pocket writes them
    made = {
        "AWS_ENDPOINT_URL_S3": "http://127.0.0.1:1",
        "AWS_REGION": "us-east-1",
        "KF_PIPELINES_ENDPOINT": "http://127.0.0.1:2",
        "K_SINK": "http://127.0.0.1:3/driftloop/driftloop",
    }
    for settings in (found["data"] for found in rendering if found["kind"] == "ConfigMap"):
        assert manifests.config_map(made)["data"].keys() - {CODE_VERSION} <= settings.keys()


CODE_VERSION = "DRIFTLOOP_CODE_VERSION"


def test_a_container_knows_its_own_commit(rendering: list[Json]) -> None:
    """Each image holds the commit that it was built of, and nothing that is applied says another one."""
    stages = (ROOT / "Dockerfile").read_text().split("\nFROM ")
    images = [stage for stage in stages if "\nCMD " in stage]
    assert len(images) == 2
    assert all(f"\nENV {CODE_VERSION}=${{REVISION}}\n" in stage for stage in images)
    assert CODE_VERSION not in str(rendering)


OURS = [ROOT / "manifests" / name for name in ("base", "overlays", "components")]
"""The rest of manifests/ is the platform, which is others' work."""
FOLDERS = [path.parent for part in OURS for path in sorted(part.glob("**/kustomization.yaml"))]


def test_every_file_is_used() -> None:
    """One object a file, and each file in one kustomization."""
    for folder in FOLDERS:
        kustomization = folder / "kustomization.yaml"
        body = yaml.safe_load(kustomization.read_text())
        used = {folder / name for name in body.get("resources", []) if name.endswith(".yaml")}
        used |= {folder / patch["path"] for patch in body.get("patches", [])}
        assert used | {kustomization} == set(folder.glob("**/*.yaml")), folder
        for path in used:
            assert len(list(yaml.safe_load_all(path.read_text()))) == 1, path


@pytest.mark.parametrize("folder", FOLDERS, ids=str)
def test_every_folder_says_what_it_is(folder: Path) -> None:
    """A README of a few lines."""
    lines = (folder / "README.md").read_text().splitlines()
    assert lines[0] == f"# {folder.name}"
    assert 3 <= len(lines) <= 8


def test_pocket_has_only_kinds_that_it_knows() -> None:
    """No option brings the laptop what it cannot run."""
    kinds = {found["kind"] for found in rendered(POCKET)}
    assert kinds == {"Namespace", "ServiceAccount", "ServingRuntime", "Service", "Broker", "Trigger"}
