"""Network policies let through what the loop does, and nothing else."""

from __future__ import annotations

import copy

import pytest

from tests.manifests.flows import Flow, leaves, open_flows
from tests.manifests.pods import pods
from tests.manifests.renderings import BASE, PRODUCTION, Json, rendered, with_options

SERVICES = ("predictor", "eventlog", "drift", "trigger")
OURS = (*SERVICES, "step")


def wanted() -> set[Flow]:
    """Who calls whom, as the code does."""
    flows = {(name, "s3", 9000) for name in SERVICES} | {("trigger", "pipelines", 8888)} | _served()
    flows |= {("step", broker, 8080) for broker in _BROKERS}
    flows |= {("step", "dns", 53), ("step", "s3", 9000), ("step", "mlflow", 5000), ("step", "redis", 6379)}
    return flows | {
        *(("step", "pipelines", port) for port in (8887, 8888)),
        *(("step", "metadata", 8080), ("step", "artifacts", 8333)),
    }


def wanted_in_production() -> set[Flow]:
    """Nothing trains there: models are fetched from staging's S3, and runs are asked for at staging's pipelines."""
    return {*((name, "staging-s3", 443) for name in SERVICES), ("trigger", "staging-pipelines", 443)} | _served()


def _served() -> set[Flow]:
    flows: set[Flow] = set()
    for name in SERVICES:
        flows |= {(name, "dns", 53)}
        flows |= {(caller, name, port) for caller in ("gateway", "activator") for port in (8012, 8013)}
        flows |= {("autoscaler", name, 9090), ("prometheus", name, 8080), ("prometheus", name, 9091)}
    return flows | {(name, broker, 8080) for name in ("predictor", "eventlog") for broker in _BROKERS}


_BROKERS = ("broker", "memory-broker")


def test_exactly_the_flows_of_the_loop_are_open(training: list[Json]) -> None:
    """Of all pairs of pods and all ports: each flow of the design, and no other."""
    assert open_flows(training, pods(training), OURS) == wanted()


def test_production_calls_staging_and_nothing_else_outside() -> None:
    """Each flow of the design there, and no other; no port is open to every address."""
    objects = rendered(PRODUCTION)
    assert open_flows(objects, pods(objects), OURS) == wanted_in_production()
    assert {port for pod in pods(objects) if pod.name in OURS for port in leaves(objects, pod)} == set()


def test_in_mode_standard_requests_come_through_the_gateway() -> None:
    """Nothing of Knative calls a predictor then; all else is as it was."""
    objects = with_options(BASE, ("network-policies", "standard-mode", "training-steps"))
    knative = {(caller, "predictor", port) for caller, called, port in wanted() if called == "predictor"}
    there = {("envoy", "predictor", 8080), ("prometheus", "predictor", 8080)}
    assert open_flows(objects, pods(objects), OURS) == (wanted() - knative) | there


def test_only_steps_reach_the_kubernetes_api(training: list[Json]) -> None:
    """It is no pod, so a port stands open to all addresses; of our services none has one."""
    open_ports = {pod.name: leaves(training, pod) for pod in pods(training) if pod.name in OURS}
    assert open_ports == {**{name: set() for name in SERVICES}, "step": {443, 6443}}


def test_no_pod_of_ours_is_left_open(cluster: list[Json]) -> None:
    """One that nobody thought of is closed both ways."""
    [policy] = [found for found in cluster if found["metadata"]["name"] == "default-deny"]
    assert policy["spec"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}


@pytest.mark.parametrize("name", ["knative", "s3", "broker", "pipelines", "dns", "metrics", "driftloop-training-steps"])
def test_every_policy_is_needed(name: str, training: list[Json]) -> None:
    """Without it some flow is closed, or one too many is open."""
    left = [found for found in training if (found["kind"], found["metadata"]["name"]) != ("NetworkPolicy", name)]
    assert open_flows(left, pods(left), OURS) != wanted()


def test_a_wrong_port_is_noticed(training: list[Json]) -> None:
    """A digit that slipped closes a flow, which the comparison shows."""
    changed = copy.deepcopy(training)
    [policy] = [found for found in changed if (found["kind"], found["metadata"]["name"]) == ("NetworkPolicy", "s3")]
    policy["spec"]["egress"][0]["ports"][0]["port"] = 9001
    assert wanted() - open_flows(changed, pods(changed), OURS) == {(name, "s3", 9000) for name in SERVICES}
