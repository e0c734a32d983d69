"""What KServe does with an InferenceService in mode Standard, as far as a rollout sees it: Deployments and weights.

The rules are those of its predictor and HTTPRoute reconcilers: a Deployment by each name; a canary has as many
replicas as its share asks for, unless it says how many; none that is not ready has traffic.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.components.rollout_kserve import Controller, Json, version_of


@dataclass
class Deployments:
    """The status of one InferenceService, kept up with its spec."""

    name: str
    is_ready: Callable[[Json], bool]
    """Whether a Deployment of this model ever becomes ready."""
    ready: dict[str, Json] = field(default_factory=dict)
    """Name → model."""
    seen: dict[str, Json] = field(default_factory=dict)
    history: list[dict[str, int]] = field(default_factory=list)
    """Traffic by version, each time it changed."""
    restarts: int = 0
    """How often a Deployment that was ready got another model."""

    def follow(self, spec: Json) -> Json:
        """One reconciliation; the new status."""
        stable, canaries = spec["predictor"], spec.get("canary") or []
        self._deploy(stable["name"], stable["model"], 1)
        for canary in canaries:
            assert canary["predictor"]["name"] != stable["name"], "KServe's webhook refuses this"
            replicas = canary["predictor"].get("minReplicas", math.ceil(canary["trafficPercent"] / 100))
            self._deploy(canary["predictor"]["name"], canary["predictor"]["model"], replicas)
        wanted = {stable["name"], *(canary["predictor"]["name"] for canary in canaries)}
        self.ready = {name: model for name, model in self.ready.items() if name in wanted}
        statuses = [self._told(canary) for canary in canaries]
        self._note(stable, statuses)
        is_ready = "True" if stable["name"] in self.ready else "False"
        return {"conditions": [{"type": "PredictorReady", "status": is_ready}], "canaryStatuses": statuses or None}

    def _deploy(self, name: str, model: Json, replicas: int) -> None:
        if name in self.ready and self.ready[name] != model:
            self.restarts += 1
            del self.ready[name]
        if replicas and self.seen.get(name) == model and self.is_ready(model):
            self.ready[name] = model  # a reconciliation later: starting takes time
        self.seen[name] = model

    def _told(self, canary: Json) -> Json:
        name = canary["predictor"]["name"]
        return {"name": name, "ready": name in self.ready, "trafficPercent": canary["trafficPercent"]}

    def _note(self, stable: Json, statuses: list[Json]) -> None:
        given = {told["name"]: told["trafficPercent"] for told in statuses if told["ready"]}
        if stable["name"] in self.ready:
            given[stable["name"]] = 100 - sum(given.values())
        shares = {version_of(self.ready[name]): percent for name, percent in given.items() if percent}
        if not self.history or self.history[-1] != shares:
            self.history.append(shares)


class StandardController(Controller):
    """Keeps the status of an InferenceService in mode Standard."""

    def __init__(self, client: Any, namespace: str, name: str, is_ready: Callable[[Json], bool]) -> None:
        super().__init__(client, namespace, name, is_ready)
        self.revisions: Any = Deployments(name, is_ready)

    @property
    def deployments(self) -> Deployments:
        """What there is now: it begins anew when the InferenceService does."""
        assert isinstance(self.revisions, Deployments)
        return self.revisions
