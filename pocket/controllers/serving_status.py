"""What a workload is, as the status of a Knative Service and of an InferenceService tells it."""

from __future__ import annotations

from datetime import UTC, datetime

from pocket.controllers.client import Json
from pocket.controllers.conditions import RefusedError, both, condition, dated
from pocket.controllers.traffic import Target
from pocket.controllers.workload import Workload


def configuration(workload: Workload) -> Json:
    """Whether the latest created revision is ready."""
    newest, kind = workload.newest, "ConfigurationsReady"
    if newest is None or not (newest.is_ready or newest.failure):
        return condition(kind, None, "Deploying", f"Revision {workload.memory.created} is not ready yet.")
    if newest.failure is None:
        return condition(kind, True)
    return condition(kind, False, "RevisionFailed", f'Revision "{newest.name}" failed with message: {newest.failure}')


def routes(workload: Workload, wanted: list[Target]) -> Json:
    """Whether requests go where they should, to processes that answer."""
    kind, name = "RoutesReady", workload.owner.service
    if not workload.memory.ready:
        failed = workload.newest is not None and workload.newest.failure is not None
        told = "does not have any ready Revision" if failed else "is waiting for a Revision to become ready"
        return condition(kind, False if failed else None, "RevisionMissing", f'Configuration "{name}" {told}.')
    for one in wanted:
        if one.revision not in workload.memory.templates:
            return condition(kind, False, "RevisionMissing", f'Revision "{one.revision}" was not found.')
        if one.percent and not workload.revisions[one.revision].is_ready:
            return condition(kind, None, "RevisionNotReady", f'Revision "{one.revision}" is being started.')
    if not workload.is_routed or workload.traffic != wanted:
        return condition(kind, None, "IngressNotConfigured", "Envoy does not have the routes yet.")
    return condition(kind, True)


def knative_service(service: Json, workload: Workload, wanted: list[Target], refused: RefusedError | None) -> Json:
    """The status of a Knative Service."""
    made = configuration(workload)
    if refused:
        made = condition("ConfigurationsReady", False, refused.reason, str(refused))
    flowing = routes(workload, wanted)
    revisions = {
        "latestCreatedRevisionName": workload.memory.created,
        "latestReadyRevisionName": workload.memory.ready,
    }
    return {
        "observedGeneration": service["metadata"]["generation"],
        "conditions": dated([made, flowing, both("Ready", made, flowing)], service.get("status", {})),
        "url": workload.url,
        "address": {"url": workload.url},
        "traffic": [one.to_json() for one in workload.traffic],
        **{field: name for field, name in revisions.items() if name},
    }


def inference_service(isvc: Json, workload: Workload, wanted: list[Target], refused: RefusedError | None) -> Json:
    """The status of an InferenceService."""
    old = isvc.get("status", {})
    made, flowing = configuration(workload), routes(workload, wanted)
    if refused:
        made = condition("ConfigurationsReady", False, refused.reason, str(refused))
    predictor, ingress = both("PredictorReady", made, flowing), {**flowing, "type": "IngressReady"}
    parts = [
        *(predictor, ingress, both("Ready", predictor, ingress)),
        *({**made, "type": name} for name in ("PredictorConfigurationReady", "LatestDeploymentReady")),
        *({**flowing, "type": name} for name in ("PredictorRouteReady", "RoutesReady")),
    ]
    address = {"url": workload.url, "address": {"url": workload.url}} if workload.memory.ready else {}
    return {
        "observedGeneration": isvc["metadata"]["generation"],
        "conditions": dated(parts, old),
        "deploymentMode": "Knative",
        "components": {"predictor": _component(workload, address)},
        "modelStatus": _model(workload, old.get("modelStatus", {}), refused),
        **_runtime(isvc),
        **address,
    }


def _component(workload: Workload, address: Json) -> Json:
    kept = workload.memory
    names = {
        "latestCreatedRevision": kept.created,
        "latestReadyRevision": kept.ready,
        "latestRolledoutRevision": kept.latest,
        "previousRolledoutRevision": kept.previous,
    }
    shown = {field: name for field, name in names.items() if name}
    both_ways = dict.fromkeys(("restUrl", "grpcUrl"), workload.url) if address else {}
    return {**shown, **address, **both_ways, "traffic": [one.to_json() for one in workload.traffic]}


def _runtime(isvc: Json) -> Json:
    name = isvc["spec"]["predictor"].get("model", {}).get("runtime")
    return {"servingRuntimeName": name} if name else {}


def _model(workload: Workload, old: Json, refused: RefusedError | None) -> Json:
    newest = workload.newest
    active = "Loaded" if workload.memory.ready else "Pending"
    if refused:
        target, transition = "FailedToLoad", "InvalidSpec"
    elif newest is not None and newest.failure:
        target, transition = "FailedToLoad", "BlockedByFailedLoad"
    elif newest is not None and newest.is_ready:
        target, transition = "Loaded", "UpToDate"
    else:
        target, transition = "Loading" if newest and newest.is_loading else "Pending", "InProgress"
    failure = _failure(workload, old.get("lastFailureInfo"), refused)
    return {
        "states": {"activeModelState": active, "targetModelState": target},
        "transitionStatus": transition,
        "copies": {"failedCopies": 0, "totalCopies": int(newest is not None and newest.is_ready)},
        **({"lastFailureInfo": failure} if failure else {}),
    }


_REASONS = ("RuntimeDisabled", "NoSupportingRuntime", "RuntimeNotRecognized", "InvalidPredictorSpec")


def _failure(workload: Workload, old: Json | None, refused: RefusedError | None) -> Json | None:
    """The last failure, which stays when it is over, with the time when it was first seen."""
    newest = workload.newest
    if refused:
        found = {"reason": refused.reason if refused.reason in _REASONS else _REASONS[-1], "message": str(refused)}
    elif newest is not None and newest.failure:
        found = {"reason": "ModelLoadFailed", "message": str(newest.failure), "modelRevisionName": newest.name}
    else:
        return old
    if old and found.items() <= old.items():
        return old
    return {**found, "time": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")}
