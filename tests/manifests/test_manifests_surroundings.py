"""What manifests and the rest of the project say of each other: the rollout, the compiled pipeline, the platform."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from components import inference_service, steps
from contracts.environment import Environment
from pocket import manifests
from pocket.checkout import ROOT
from scripts.platform.keys import BUCKETS
from tests.manifests.closure import addresses, name_of
from tests.manifests.pods import is_knative
from tests.manifests.provided import OBJECTS, PARTS, SECRET_KEYS, STAGING
from tests.manifests.renderings import PRODUCTION, Json, rendered


def test_what_the_rollout_names_is_there(rendering: list[Json]) -> None:
    """The runtime with its format, and the ServiceAccount, of an InferenceService that it makes."""
    there = {name_of(found): found for found in rendering}
    runtime = there["ServingRuntime", "driftloop", inference_service.RUNTIME]
    assert [each["name"] for each in runtime["spec"]["supportedModelFormats"]] == [inference_service.FORMAT]
    account = there["ServiceAccount", "driftloop", inference_service.ACCOUNT]
    assert ("Secret", "driftloop", account["secrets"][0]["name"]) in OBJECTS


def test_steps_run_in_the_image_of_the_services(rendering: list[Json]) -> None:
    """One image, one version."""
    assert steps.IMAGE in {
        container["image"]
        for found in rendering
        if is_knative(found)
        for container in found["spec"]["template"]["spec"]["containers"]
    }


def test_steps_have_the_settings_of_the_services(training: list[Json]) -> None:
    """The same in both namespaces, addresses of six parts among them."""
    ours, steps_ = (found for found in training if found["kind"] == "ConfigMap")
    assert {ours["metadata"]["namespace"], steps_["metadata"]["namespace"]} == {"driftloop", "kubeflow"}
    assert ours["data"] == steps_["data"]
    assert len(list(addresses(ours))) == 6


def test_steps_find_what_the_compiled_pipeline_names(training: list[Json]) -> None:
    """Every key of a ConfigMap or Secret without which a step's pod would not start."""
    [settings] = [
        found["data"] for found in training if name_of(found) == ("ConfigMap", "kubeflow", manifests.SETTINGS)
    ]
    known = {("configMapName", manifests.SETTINGS): settings.keys()}
    known |= {("secretName", name): keys for name, keys in SECRET_KEYS.items()}
    for document in yaml.safe_load_all((ROOT / "pipelines/compiled/training.yaml").read_text()):
        for kind, name, keys in _variables(document):
            assert keys <= known[kind, name]


def _variables(value: Any) -> Iterator[tuple[str, str, set[str]]]:
    """What must be there: `configMapName` or `secretName`, its name and its keys."""
    for part in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _variables(part)
    if isinstance(value, dict) and "keyToEnv" in value and not value.get("optional"):
        [kind] = value.keys() & {"configMapName", "secretName"}
        key = {"configMapName": "configMapKey", "secretName": "secretKey"}[kind]
        yield kind, value[kind], {each[key] for each in value["keyToEnv"]}


def test_drift_in_production_trains_in_staging() -> None:
    """Nothing trains in production, and no run can roll out there; its trigger, registry and models are staging's."""
    objects = rendered(PRODUCTION)
    assert {found["metadata"].get("namespace", "driftloop") for found in objects} == {"driftloop"}
    assert {found["kind"] for found in objects} & {"Role", "RoleBinding"} == set()
    [settings] = [found["data"] for found in objects if found["kind"] == "ConfigMap"]
    hosts = {key: urlsplit(value).hostname for key, value in settings.items() if "://" in value and key != "K_SINK"}
    assert len(hosts) == 5
    assert set(hosts.values()) == {part.host for part in STAGING.values()}
    here = Environment.load(ROOT / "pipelines/environments", settings["DRIFTLOOP_ENVIRONMENT"])
    assert here.after == "staging"
    assert here.data_bucket == settings["DRIFTLOOP_DATA_BUCKET"]
    assert here.data_bucket in BUCKETS


def test_the_platform_gives_what_is_counted_on() -> None:
    """Each Service with its port, and pods with the labels, as far as manifests/platform writes them itself."""
    for file in ROOT.glob("manifests/platform/**/service.yaml"):
        service, *_ = yaml.safe_load_all(file.read_text())
        for part in (part for part in PARTS.values() if part.service == service["metadata"]["name"]):
            assert part.service_port in {port["port"] for port in service["spec"]["ports"]}
            wanted = {**part.labels, **service["spec"]["selector"]}
            [pod] = [pod for pod in _templates(file.parent) if wanted.items() <= pod["metadata"]["labels"].items()]
            assert set(part.ports) <= {port["containerPort"] for port in _ports(pod)}


def _templates(folder: Path) -> list[Json]:
    objects = [found for path in folder.glob("*.yaml") for found in yaml.safe_load_all(path.read_text())]
    return [found["spec"]["template"] for found in objects if found["kind"] in ("Deployment", "StatefulSet")]


def _ports(pod: Json) -> list[Json]:
    return [port for container in pod["spec"]["containers"] for port in container.get("ports", [])]
