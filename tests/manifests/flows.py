"""Which pod may open a connection to which, by the network policies of a rendering."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address, ip_network
from typing import Any

from tests.manifests.pods import Pod, selects
from tests.manifests.renderings import Json

Flow = tuple[str, str, int]
"""Name of the pod that calls, of the one that is called, its port."""


def open_flows(rendering: list[Json], pods: list[Pod], ours: tuple[str, ...]) -> set[Flow]:
    """All connections that are let through, of those that have one end in a pod of ours."""
    policies = [found for found in rendering if found["kind"] == "NetworkPolicy"]
    return {
        (caller.name, called.name, port)
        for caller in pods
        for called in pods
        for port in called.ports
        if caller is not called and {caller.name, called.name} & set(ours)
        if _lets(policies, "Egress", caller, called, port) and _lets(policies, "Ingress", called, caller, port)
    }


def leaves(rendering: list[Json], pod: Pod) -> set[int]:
    """Ports that a pod may call anywhere at all."""
    rules = [
        rule for policy in rendering if _applies(policy, "Egress", pod) for rule in policy["spec"].get("egress", [])
    ]
    return {port["port"] for rule in rules if "to" not in rule for port in rule["ports"]}


def _lets(policies: list[Json], direction: str, pod: Pod, other: Pod, port: int) -> bool:
    """As Kubernetes has it: no policy about a pod, and all is open; else what any of them admits."""
    about = [policy for policy in policies if _applies(policy, direction, pod)]
    return not about or any(_admits(policy, direction, other, port) for policy in about)


def _applies(policy: Json, direction: str, pod: Pod) -> bool:
    if policy["kind"] != "NetworkPolicy" or direction not in policy["spec"]["policyTypes"]:
        return False
    return policy["metadata"]["namespace"] == pod.namespace and selects(policy["spec"]["podSelector"], pod.labels)


def _admits(policy: Json, direction: str, other: Pod, port: int) -> bool:
    own, side = policy["metadata"]["namespace"], "from" if direction == "Ingress" else "to"
    rules = policy["spec"].get(direction.lower(), [])
    there = [rule for rule in rules if "ports" not in rule or port in {each["port"] for each in rule["ports"]}]
    return any(side not in rule or any(_is(own, peer, other) for peer in rule[side]) for rule in there)


def _is(own: str, peer: dict[str, Any], pod: Pod) -> bool:
    if pod.address or "ipBlock" in peer:
        return (
            bool(pod.address) and "ipBlock" in peer and ip_address(pod.address) in ip_network(peer["ipBlock"]["cidr"])
        )
    if "namespaceSelector" in peer:
        is_there = selects(peer["namespaceSelector"], {"kubernetes.io/metadata.name": pod.namespace})
    else:
        is_there = pod.namespace == own
    return is_there and selects(peer.get("podSelector"), pod.labels)


def peers(rendering: list[Json]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every peer that a policy names, with the policy's namespace."""
    for policy in rendering:
        if policy["kind"] == "NetworkPolicy":
            for side, name in (("ingress", "from"), ("egress", "to")):
                for rule in policy["spec"].get(side, []):
                    yield from ((policy["metadata"]["namespace"], peer) for peer in rule.get(name, []))
