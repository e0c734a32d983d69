"""What a revision is made of: the container of an InferenceService or a Knative Service, and what is about it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from pocket.controllers.client import Json
from pocket.controllers.conditions import RefusedError

_NO_REVISION = ("kubectl.kubernetes.io/last-applied-configuration", "serving.knative.dev/rollout-duration")
_MODES = ("Knative", "Serverless")
_COMPONENT = ("timeoutSeconds", "containerConcurrency", "minReplicas", "maxReplicas", "scaleTarget", "scaleMetric")
"""What KServe hands on to the template beside the container."""


def of_inference_service(isvc: Json, runtimes: Mapping[str, Json]) -> Json:
    """The template, whose every change makes a revision. RefusedError with KServe's reason."""
    metadata, spec = isvc["metadata"], isvc["spec"]
    annotations = metadata.get("annotations", {})
    mode = annotations.get("serving.kserve.io/deploymentMode", "Knative")
    if mode not in _MODES:
        raise RefusedError("InvalidPredictorSpec", f"The deployment mode {mode} is not supported here; use Knative.")
    for component in ("transformer", "explainer"):
        if component in spec:
            raise RefusedError("InvalidPredictorSpec", f"A {component} is not supported here.")
    predictor = spec["predictor"]
    named = json.dumps(_predictor(predictor, metadata["namespace"], runtimes))
    for field in ("name", "namespace"):
        named = re.sub(rf"{{{{\s*\.{field.title()}\s*}}}}", metadata[field], named)
    return {
        "container": json.loads(named),
        "storageUri": predictor.get("model", {}).get("storageUri", ""),
        "annotations": _kept({**annotations, **predictor.get("annotations", {})}),
        "labels": {**metadata.get("labels", {}), **predictor.get("labels", {})},
        **{field: predictor[field] for field in _COMPONENT if field in predictor},
    }


def of_knative_service(service: Json) -> Json:
    """The template of a Knative Service."""
    template = service["spec"].get("template", {})
    metadata, spec = template.get("metadata", {}), template.get("spec", {})
    return {
        "container": _only(spec, "RevisionNotSupported"),
        "storageUri": "",
        "annotations": _kept(metadata.get("annotations", {})),
        "labels": metadata.get("labels", {}),
        **{field: spec[field] for field in ("timeoutSeconds", "containerConcurrency") if field in spec},
    }


def runtime_of(predictor: Json, namespace: str, runtimes: Mapping[str, Json]) -> Json:
    """The ServingRuntime that is named, else the first that offers itself for the model's format."""
    model = predictor.get("model", {})
    wanted = model.get("modelFormat", {}).get("name")
    if name := model.get("runtime"):
        found = runtimes.get(f"{namespace}/{name}")
        if found is None:
            raise RefusedError("RuntimeNotRecognized", f"There is no ServingRuntime {name} in {namespace}.")
        if found["spec"].get("disabled"):
            raise RefusedError("RuntimeDisabled", f"The ServingRuntime {name} is disabled.")
        if not any(one["name"] == wanted for one in found["spec"].get("supportedModelFormats", [])):
            raise RefusedError("NoSupportingRuntime", f"The ServingRuntime {name} does not support {wanted}.")
        return found
    for key in sorted(runtimes):
        spec = runtimes[key]["spec"]
        offers = (one["name"] for one in spec.get("supportedModelFormats", []) if one.get("autoSelect"))
        if key.startswith(f"{namespace}/") and not spec.get("disabled") and wanted in offers:
            return runtimes[key]
    raise RefusedError("NoSupportingRuntime", f"No ServingRuntime in {namespace} offers itself for {wanted}.")


def _predictor(predictor: Json, namespace: str, runtimes: Mapping[str, Json]) -> Json:
    if "containers" in predictor:
        return _only(predictor, "InvalidPredictorSpec")
    if "model" not in predictor:
        raise RefusedError("InvalidPredictorSpec", "spec.predictor has neither model nor containers.")
    runtime = _only(runtime_of(predictor, namespace, runtimes)["spec"], "InvalidPredictorSpec")
    own = {
        key: part for key, part in predictor["model"].items() if key in (*runtime, "env", "envFrom", "args", "ports")
    }
    env = {one["name"]: one for one in [*runtime.get("env", []), *own.get("env", [])]}
    lists = {key: [*runtime.get(key, []), *own.get(key, [])] for key in ("args", "envFrom")}
    return {**runtime, **own, **lists, "env": list(env.values()), "name": runtime["name"]}


def _only(spec: Json, reason: str) -> Json:
    """The one container. Volumes but emptyDir are refused: their content would not be there."""
    containers: list[Json] = spec.get("containers", [])
    if len(containers) != 1 or spec.get("initContainers"):
        raise RefusedError(reason, f"One container is supported, not {len(containers)} and initContainers.")
    for volume in spec.get("volumes", []):
        if "emptyDir" not in volume:
            raise RefusedError(reason, f"The volume {volume['name']} is not supported; there is emptyDir only.")
    for probe in ("readinessProbe", "livenessProbe"):
        if unknown := {"exec", "grpc"} & set(containers[0].get(probe, {})):
            raise RefusedError(reason, f"{probe}: {unknown.pop()} is not supported; there are httpGet and tcpSocket.")
    return containers[0]


def _kept(annotations: Mapping[str, Any]) -> Json:
    return {name: text for name, text in annotations.items() if name not in _NO_REVISION}
