"""A loop's InferenceService in KServe's mode Standard: Deployments behind a Gateway, without Knative.

The stable version is `spec.predictor`; a candidate is one entry of `spec.canary` beside it, which is a Deployment of
its own, named after the version. A Deployment has the traffic when it is ready, never before, so there is no order of
writes to get wrong; what serves is not touched until the candidate has passed. Promotion gives the predictor the
candidate's name and model and takes the entry away: its Deployment goes on as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from components.inference_service import MODE, InferenceService, Served, State, complaints, model_of, served_by
from contracts.errors import ConfigError

CONTAINER = "kserve-container"
"""Name of the model's container, as in the runtime: a canary must say it."""


class StandardService(InferenceService):
    """One InferenceService in mode Standard. What is called a revision elsewhere is the name of a predictor here."""

    mode = "Standard"

    def _first(self, served: Served) -> dict[str, Any]:
        return {**super()._first(served), "name": name_of(served)}

    def _change(self, state: State, served: Served, percent: int | None) -> dict[str, Any]:
        stable = state.body["spec"]["predictor"]
        if served == served_by(stable, self.what):
            return {"canary": None}
        model = {**stable["model"], **model_of(served, stable), "name": CONTAINER}
        named = {"name": name_of(served), "model": model}
        if percent in (None, 100):
            return {"predictor": named, "canary": None}
        # Of a share KServe makes a number of replicas, and of none no replica: it would never be ready.
        return {"canary": [{"trafficPercent": percent, "predictor": {**named, "minReplicas": 1}}]}

    def _state(self, body: Mapping[str, Any]) -> State:
        if (found := body["metadata"].get("annotations", {}).get(MODE)) != self.mode:
            raise ConfigError(
                f"{self.what} is in mode {found}, not {self.mode}.",
                "Set DRIFTLOOP_DEPLOYMENT_MODE to its mode, or delete it: the mode of one that exists cannot change.",
            )
        status, stable = body.get("status") or {}, body["spec"]["predictor"]
        canary = next(iter(body["spec"].get("canary") or ()), None)
        named = canary["predictor"] if canary else stable
        percent = canary["trafficPercent"] if canary else None
        ready, traffic = _traffic(status, stable.get("name", ""), named["name"] if canary else None)
        return State(
            served=served_by(named, self.what),
            percent=percent,
            created=named.get("name", ""),
            ready=ready,
            rolled_out=stable.get("name", ""),
            traffic=traffic,
            complaints=tuple(complaints(status)),
            body=body,
        )


def in_mode(service: InferenceService, mode: str) -> InferenceService:
    """The same InferenceService, as one of KServe's modes has it."""
    if mode == service.mode:
        return service
    _, _, namespace, _ = service.place
    return StandardService(service.client, namespace, service.name)


def name_of(served: Served) -> str:
    """Name of a version's predictor; its Deployment is `<InferenceService>-<name>-predictor`."""
    return f"v{served.number}"


def _traffic(status: Mapping[str, Any], stable: str, canary: str | None) -> tuple[str, dict[str, int]]:
    """The newest predictor that is ready, and percent by predictor."""
    if canary is None:
        is_old = bool(status.get("canaryStatuses"))  # told before the entry was taken away
        ready = stable if _is_ready(status) and not is_old else ""
        return ready, {ready: 100} if ready else {}
    told = {each["name"]: each for each in status.get("canaryStatuses") or []}.get(canary) or {}
    if not told.get("ready"):
        return stable, {stable: 100}
    percent = int(told.get("trafficPercent") or 0)
    return canary, {canary: percent, stable: 100 - percent}


def _is_ready(status: Mapping[str, Any]) -> bool:
    conditions = {each.get("type"): each.get("status") for each in status.get("conditions") or []}
    return conditions.get("PredictorReady") == "True"
