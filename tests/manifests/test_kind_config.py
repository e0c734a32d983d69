"""kind-config.yaml makes a cluster on whose ports the laptop's addresses answer."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import pytest
import yaml

from contracts.settings import Settings
from pocket.checkout import ROOT
from scripts.cluster import access
from tests.manifests.pods import is_knative
from tests.manifests.renderings import Json, rendered
from tests.manifests.schemas import VERSIONS


@pytest.fixture
def config() -> Json:
    """The file."""
    found: Json = yaml.safe_load((ROOT / "kind-config.yaml").read_text())
    return found


def test_every_port_leads_to_a_service(config: Json) -> None:
    """From the laptop's own addresses, through a node port that the overlay opens."""
    settings = Settings.from_env({})
    mapped = {each["hostPort"]: each["containerPort"] for each in config["nodes"][0]["extraPortMappings"]}
    services = [
        found for found in rendered("manifests/overlays/kind") if found["kind"] == "Service" and not is_knative(found)
    ]
    opened = {found["spec"]["ports"][0]["nodePort"]: found["metadata"]["name"] for found in services}
    assert {port: opened[node] for port, node in mapped.items()} == {
        port_of(access.PREDICTORS): "driftloop-predictors",
        port_of(access.BROKER): "driftloop-broker",
        port_of(settings.mlflow_tracking_uri): "driftloop-mlflow",
        port_of(settings.s3_endpoint): "driftloop-s3",
        port_of(settings.kfp_endpoint): "driftloop-pipelines",
    }
    assert len(mapped) == len(opened)


def port_of(address: str) -> int | None:
    """Of an address."""
    return urlsplit(address).port


def test_nobody_else_reaches_it(config: Json) -> None:
    """Every port is open to this machine only, the API server's too."""
    mappings = [each for node in config["nodes"] for each in node.get("extraPortMappings", [])]
    assert {each["listenAddress"] for each in mappings} == {"127.0.0.1"} == {config["networking"]["apiServerAddress"]}


def test_every_node_is_the_same_and_pinned(config: Json) -> None:
    """One control plane and workers, of a version whose schemas the manifests are checked against, by digest."""
    assert [node["role"] for node in config["nodes"]] == ["control-plane", "worker", "worker"]
    [image] = {node["image"] for node in config["nodes"]}
    found = re.fullmatch(r"kindest/node:v(\d+\.\d+)\.\d+@sha256:[0-9a-f]{64}", image)
    assert found
    assert f"{found[1]}.0" in VERSIONS
