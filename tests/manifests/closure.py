"""What objects name: other objects, addresses, pods by their labels, variables. And what of it is nowhere."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import Any
from urllib.parse import urlsplit

from tests.manifests.flows import peers
from tests.manifests.pods import Pod, is_knative, pods, selects
from tests.manifests.provided import OBJECTS, PARTS, STAGING
from tests.manifests.renderings import Json

Name = tuple[str, str, str]
"""Kind, namespace, name."""

_BY_KEY = {
    "configMapRef": "ConfigMap",
    "configMapKeyRef": "ConfigMap",
    "secretRef": "Secret",
    "secretKeyRef": "Secret",
    "roleRef": "Role",
}
_OUTSIDE = {f"{part.address}/32" for part in STAGING.values()}
_VARIABLE = re.compile(r"\$\((\w+)\)")


def missing(rendering: list[Json], also: Collection[Name] = ()) -> set[Any]:
    """Everything that is named and is neither in the rendering, nor provided, nor in `also`."""
    there = {name_of(found) for found in rendering} | OBJECTS | set(also)
    there |= {("Namespace", "", part.namespace) for part in PARTS.values()}
    gone: set[Any] = {name for found in rendering for name in names(found)} - there
    gone |= {address for found in rendering for address in addresses(found) if not _answers(address, there)}
    gone |= {
        str(selector) for namespace, selector in selectors(rendering) if not _found(namespace, selector, rendering)
    }
    blocks = {peer["ipBlock"]["cidr"] for _, peer in peers(rendering) if "ipBlock" in peer}
    return gone | {block for block in blocks if block not in _OUTSIDE} | set(_unset(rendering))


def name_of(found: Json) -> Name:
    """What others call an object. A Knative Service makes a Service of its name."""
    return found["kind"], found["metadata"].get("namespace", ""), found["metadata"]["name"]


def names(found: Json) -> Iterator[Name]:
    """Objects that an object names, its namespace among them."""
    namespace = found["metadata"].get("namespace", "")
    if namespace:
        yield "Namespace", "", namespace
    yield from _named(found, namespace)


def _named(value: Any, namespace: str) -> Iterator[Name]:
    for part in value if isinstance(value, list) else ():
        yield from _named(part, namespace)
    for key, part in value.items() if isinstance(value, dict) else ():
        if key in _BY_KEY:
            yield _BY_KEY[key], namespace, part["name"]
        elif key == "serviceAccountName":
            yield "ServiceAccount", namespace, part
        elif key == "broker":
            yield "Broker", namespace, part
        elif key == "ref":
            yield part["kind"], part.get("namespace", namespace), part["name"]
        elif key == "secrets" and isinstance(part, list):
            yield from (("Secret", namespace, each["name"]) for each in part)
        elif key == "subjects":
            yield from ((each["kind"], each["namespace"], each["name"]) for each in part)
        yield from _named(part, namespace)


def addresses(found: Json) -> Iterator[str]:
    """Addresses in a ConfigMap."""
    if found["kind"] == "ConfigMap":
        yield from (value for value in found.get("data", {}).values() if "://" in value)


def _answers(address: str, there: set[Name]) -> bool:
    """Whether a Service or a server of staging has this address with its port, and the Broker that a path names."""
    parts = urlsplit(address)
    known = {(part.host, part.service_port) for part in (*PARTS.values(), *STAGING.values())}
    if (parts.hostname, parts.port or {"http": 80, "https": 443}[parts.scheme]) not in known:
        return False
    path = parts.path.strip("/")
    return not path or ("Broker", *path.split("/")) in there


def selectors(rendering: list[Json]) -> Iterator[tuple[str | None, Json]]:
    """Label selectors, with the namespace in which they select; None: their own namespaceSelector says which."""
    for found in rendering:
        kind, namespace, _ = name_of(found)
        if kind == "NetworkPolicy":
            yield namespace, found["spec"]["podSelector"]
        if kind == "PodDisruptionBudget":
            yield namespace, found["spec"]["selector"]
        if kind == "Service" and not is_knative(found):
            yield namespace, {"matchLabels": found["spec"]["selector"]}
    for namespace, peer in peers(rendering):
        if "ipBlock" in peer:
            continue
        there = peer["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"] if len(peer) > 1 else namespace
        yield there, peer["podSelector"]


def _found(namespace: str | None, selector: Json, rendering: list[Json]) -> list[Pod]:
    return [pod for pod in pods(rendering) if pod.namespace == namespace and selects(selector, pod.labels)]


def _unset(rendering: list[Json]) -> Iterator[str]:
    """Variables in arguments that no settings give."""
    given = {key for found in rendering if found["kind"] == "ConfigMap" for key in found.get("data", {})}
    if given:
        yield from (name for found in rendering for name in _VARIABLE.findall(str(found)) if name not in given)
