"""The pods that come of a rendering, with the labels that Knative and KServe give them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tests.manifests.provided import PARTS, QUEUE_PROXY, SERVED, STEP, Labels
from tests.manifests.renderings import Json


@dataclass(frozen=True)
class Pod:
    """As a network policy sees it."""

    name: str
    namespace: str
    labels: Labels = field(hash=False)
    ports: tuple[int, ...] = ()


def pods(rendering: list[Json]) -> list[Pod]:
    """Ours, a predictor of an InferenceService among them, a step's, and the platform's."""
    names = [found["metadata"]["name"] for found in rendering if is_knative(found)]
    ports = (SERVED, *QUEUE_PROXY.values())
    ours = [Pod(name, "driftloop", {"serving.knative.dev/service": name}, ports) for name in names]
    ours.append(_predictor(rendering))
    step = Pod("step", STEP.namespace, STEP.labels)
    return [*ours, step, *(Pod(name, part.namespace, part.labels, part.ports) for name, part in PARTS.items())]


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
