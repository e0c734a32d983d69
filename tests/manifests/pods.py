"""The pods that come of a rendering, with the labels that Knative and KServe give them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tests.manifests.provided import PARTS, QUEUE_PROXY, SERVED, STAGING, STEP, Labels
from tests.manifests.renderings import Json


@dataclass(frozen=True)
class Pod:
    """As a network policy sees it."""

    name: str
    namespace: str
    labels: Labels = field(hash=False)
    ports: tuple[int, ...] = ()
    address: str = ""
    """Of what is outside of the cluster, and so is no pod."""


def pods(rendering: list[Json]) -> list[Pod]:
    """Ours, a predictor among them, and the platform's; with these a step where any run, else staging's servers."""
    names = [found["metadata"]["name"] for found in rendering if is_knative(found)]
    ports = (SERVED, *QUEUE_PROXY.values())
    ours = [Pod(name, "driftloop", {"serving.knative.dev/service": name}, ports) for name in names]
    ours.append(_predictor(rendering))
    if trains(rendering):
        ours.append(Pod("step", STEP.namespace, STEP.labels))
    parts = PARTS if trains(rendering) else {**PARTS, **STAGING}
    theirs = (Pod(name, part.namespace, part.labels, part.ports, part.address) for name, part in parts.items())
    return [*ours, *theirs]


def trains(rendering: list[Json]) -> bool:
    """Whether anything is for the namespace of runs."""
    return any(found["metadata"].get("namespace") == STEP.namespace for found in rendering)


def _predictor(rendering: list[Json]) -> Pod:
    labels = {"serving.kserve.io/inferenceservice": "flights", "component": "predictor"}
    if any(found["kind"] == "Gateway" for found in rendering):  # no pod of Knative's
        return Pod("predictor", "driftloop", labels, (SERVED,))
    knative = {"serving.knative.dev/service": "flights-predictor", **labels}
    return Pod("predictor", "driftloop", knative, (SERVED, *QUEUE_PROXY.values()))


def is_knative(found: Json) -> bool:
    """Whether an object is a Knative Service."""
    return (found["kind"], found["apiVersion"].partition("/")[0]) == ("Service", "serving.knative.dev")


def selects(selector: dict[str, Any] | None, labels: Labels) -> bool:
    """Whether a label selector takes labels; an empty one takes all."""
    selector = selector or {}
    if any(labels.get(key) != value for key, value in selector.get("matchLabels", {}).items()):
        return False
    return all(_holds(expression, labels) for expression in selector.get("matchExpressions", []))


def _holds(expression: dict[str, Any], labels: Labels) -> bool:
    value, values = labels.get(expression["key"]), expression.get("values", [])
    return {
        "Exists": value is not None,
        "DoesNotExist": value is None,
        "In": value in values,
        "NotIn": value not in values,
    }[expression["operator"]]
