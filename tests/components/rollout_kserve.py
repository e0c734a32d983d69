"""What KServe does with an InferenceService in Knative mode, as far as a rollout sees it: revisions and traffic.

The rules are those of its ksvc reconciler and of PropagateStatus: the percent goes to the newest ready revision,
the rest to the one that last had all; who splits a whole revision's traffic gets the one before it back.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from kubernetes.client import ApiException

from components.inference_service import PLURAL, RESOURCE

Json = dict[str, Any]


@dataclass
class Revisions:
    """The status of one InferenceService, kept up with its spec."""

    name: str
    is_ready: Callable[[Json], bool]
    """Whether a revision of this model ever becomes ready."""
    models: dict[str, Json] = field(default_factory=dict)
    created: str = ""
    ready: str = ""
    rolled_out: str = ""
    previous: str = ""
    traffic: list[Json] = field(default_factory=list)
    history: list[dict[str, int]] = field(default_factory=list)
    """Traffic by version, each time it changed."""

    def follow(self, spec: Json) -> Json:
        """One reconciliation; the new status."""
        predictor = spec["predictor"]
        if self.models.get(self.created) != predictor["model"]:
            self.created = f"{self.name}-predictor-{len(self.models) + 1:05d}"
            self.models[self.created] = predictor["model"]
        elif self.created != self.ready and self.is_ready(predictor["model"]):
            self.ready = self.created  # a reconciliation later: starting takes time
        if self.ready:
            self._route(predictor.get("canaryTrafficPercent"))
        return {"components": {"predictor": self._status()}, **self._troubles()}

    def _route(self, percent: int | None) -> None:
        if percent is None or not self.rolled_out:
            percent = 100
        self.traffic = [{"latestRevision": True, "revisionName": self.ready, "percent": percent}]
        if percent < 100:
            rest = {"latestRevision": False, "revisionName": self.rolled_out, "percent": 100 - percent, "tag": "prev"}
            self.traffic.append(rest)
        if self.rolled_out != self.ready and percent == 100:
            self.previous, self.rolled_out = self.rolled_out, self.ready
        elif self.rolled_out == self.ready == self.created and percent < 100 and self.previous:
            self.rolled_out = self.previous
        self._note()

    def _note(self) -> None:
        shares: dict[str, int] = {}
        for target in self.traffic:
            version = version_of(self.models[target["revisionName"]])
            shares[version] = shares.get(version, 0) + target["percent"]
        shares = {version: percent for version, percent in shares.items() if percent}
        if not self.history or self.history[-1] != shares:
            self.history.append(shares)

    def _status(self) -> Json:
        named = {
            "latestCreatedRevision": self.created,
            "latestReadyRevision": self.ready,
            "latestRolledoutRevision": self.rolled_out,
            "previousRolledoutRevision": self.previous,
        }
        return {**{name: revision for name, revision in named.items() if revision}, "traffic": self.traffic}

    def _troubles(self) -> Json:
        if self.created == self.ready:
            return {"conditions": [{"type": "Ready", "status": "True"}], "modelStatus": None}
        told = {"type": "PredictorReady", "status": "False", "reason": "RevisionFailed", "message": "it ended with 8"}
        failure = {"reason": "ModelLoadFailed", "message": "driftloop.json has another sha256"}
        return {"conditions": [told], "modelStatus": {"lastFailureInfo": failure, **_MODEL}}


_MODEL = {"transitionStatus": "BlockedByFailedLoad"}


def version_of(model: Json) -> str:
    """The version that a model of a spec names."""
    return str(next(entry["value"] for entry in model["env"] if entry["name"] == "DRIFTLOOP_MODEL_VERSION"))


class Controller(threading.Thread):
    """Keeps the status of one InferenceService up with its spec, until it is stopped."""

    def __init__(self, client: Any, namespace: str, name: str, is_ready: Callable[[Json], bool]) -> None:
        super().__init__(daemon=True)
        self.client, self.place, self.name_of = client, (*RESOURCE, namespace, PLURAL), name
        self.revisions = Revisions(name, is_ready)
        self.ended = threading.Event()
        self.deleted = 0

    def run(self) -> None:
        """Reconcile again and again."""
        told: Json = {}
        while not self.ended.wait(0.02):
            try:
                body = self.client.get_namespaced_custom_object(*self.place, self.name_of)
                status = self.revisions.follow(body["spec"])
                if status != told:
                    patch = {"status": status}
                    self.client.patch_namespaced_custom_object_status(*self.place, self.name_of, patch)
                    told = status
            except ApiException as error:
                if error.status != 404:
                    raise
                self.deleted += bool(told)
                told = {}
                self.revisions = type(self.revisions)(self.name_of, self.revisions.is_ready)

    def stop(self) -> None:
        """End it."""
        self.ended.set()
        self.join()
