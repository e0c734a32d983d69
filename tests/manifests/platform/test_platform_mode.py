"""KServe's two modes: what is chosen with each, and that the component `standard-mode` fits the platform's choice."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from scripts.platform import plan
from tests.manifests.renderings import BASE, with_options
from tests.manifests.schemas import faults

Json = Any


@pytest.fixture(scope="module")
def component() -> Mapping[str, Json]:
    """Objects of base with the option, by kind and name."""
    return {f"{one['kind']}/{one['metadata']['name']}": one for one in with_options(BASE, ("standard-mode",))}


def test_a_gateway_is_there_before_kserve_looks_for_it() -> None:
    """Chosen, it is installed before KServe's controller starts; not chosen, it is not there."""
    standard = [step.folder for step in plan.read().chosen({"mode": "standard"})]
    knative = [step.folder for step in plan.read().chosen({})]
    assert standard.index("envoy-gateway") < standard.index("kserve/standard")
    assert [name for name in standard if name not in ("envoy-gateway", "kserve/standard")] == [
        name for name in knative if name != "kserve/core"
    ]


def test_the_modes_differ_in_configuration_only(renderings: Mapping[str, list[Json]]) -> None:
    """Every other object of KServe's is the same in both; the ingress is the one or the other."""
    core, standard = renderings["kserve/core"], renderings["kserve/standard"]
    changed = [(one, other) for one, other in zip(core, standard, strict=True) if one != other]
    [(before, after)] = [(one["data"], other["data"]) for one, other in changed]
    ingress = [json.loads(data["ingress"]) for data in (before, after)]
    differ = {name for name in ingress[0] | ingress[1] if ingress[0].get(name) != ingress[1].get(name)}
    assert differ == {"enableGatewayApi", "ingressClassName"}
    assert json.loads(after["deploy"]) == {"defaultDeploymentMode": "Standard"}


def test_the_gateway_is_the_one_that_kserve_looks_for(
    component: Mapping[str, Json], renderings: Mapping[str, list[Json]]
) -> None:
    """Its name and namespace as KServe is told, its class as the platform brings it, its routes from the loop."""
    [told] = [one["data"] for one in renderings["kserve/standard"] if one["kind"] == "ConfigMap"]
    ingress = json.loads(told["ingress"])
    namespace, _, name = ingress["kserveIngressGateway"].partition("/")
    gateway = component[f"Gateway/{name}"]
    assert gateway["metadata"]["namespace"] == namespace
    [made] = [one for one in renderings["envoy-gateway"] if one["kind"] == "GatewayClass"]
    assert gateway["spec"]["gatewayClassName"] == made["metadata"]["name"] == ingress["ingressClassName"]
    settings = component["ConfigMap/driftloop-settings"]["data"]
    assert settings["DRIFTLOOP_DEPLOYMENT_MODE"] == json.loads(told["deploy"])["defaultDeploymentMode"]


@pytest.mark.parametrize("slip", [{"controlerName": "a.b/c"}, {"controllerName": "no path"}, {"controllerName": 7}])
def test_a_slip_in_the_class_is_caught(slip: Json, renderings: Mapping[str, list[Json]]) -> None:
    """By the schema of its CRD."""
    [made] = [one for one in renderings["envoy-gateway"] if one["kind"] == "GatewayClass"]
    assert faults(made, "1.34.0") == []
    assert faults({**made, "spec": slip}, "1.34.0")
