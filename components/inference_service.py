"""A loop's InferenceService: which version its spec names, how the traffic is split, what its status says.

Only these fields are written: the model, its environment and the percent. All else is the user's. Labels and
annotations are not touched once it is there, for any change of them makes a new revision.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from components.cluster import TIMEOUT_SECONDS, ConflictError, answering
from components.registry import Version
from contracts.errors import BusyError, ConfigError

RESOURCE = ("serving.kserve.io", "v1beta1")
PLURAL = "inferenceservices"
RUNTIME, FORMAT = "driftloop-predictor", "driftloop"
ACCOUNT = "predictor"
"""ServiceAccount of manifests/base whose Secret holds the keys of S3."""
MODE = "serving.kserve.io/deploymentMode"
"""Annotation, which cannot be changed."""
VERSION_VARIABLE, CARD_VARIABLE = "DRIFTLOOP_MODEL_VERSION", "DRIFTLOOP_CARD_SHA256"
_WRITES = 20
"""How often a write is tried against others': the controller writes its status into the same object."""


class SupersededError(BusyError):
    """The InferenceService names a version that this rollout knows nothing of: another rollout has taken over."""


@dataclass(frozen=True)
class Served:
    """One version as an InferenceService names it."""

    number: str
    model_uri: str
    """Folder of its files; the slash at its end keeps `m-10` out of a listing of `m-1`."""
    card_sha256: str

    @classmethod
    def of(cls, version: Version) -> Served:
        """A registered version."""
        return cls(version.number, version.model_uri.rstrip("/") + "/", version.card_sha256)


@dataclass(frozen=True)
class State:
    """What was read."""

    served: Served
    percent: int | None
    """`canaryTrafficPercent`; None: whatever the spec names has all the traffic."""
    created: str
    """Newest revision."""
    ready: str
    """Newest revision that is ready."""
    rolled_out: str
    """Revision that last had all the traffic; empty: none ever had."""
    traffic: Mapping[str, int]
    """Revision → percent."""
    complaints: tuple[str, ...]
    """What its conditions and its model's status find wrong."""
    body: Mapping[str, Any]

    @property
    def url(self) -> str:
        """Where it is asked; empty before it has an address."""
        return str((self.body.get("status") or {}).get("url") or "").rstrip("/")

    @property
    def has_all(self) -> bool:
        """Whether the spec asks for all the traffic for the version that it names."""
        return self.percent in (None, 100)

    @property
    def is_whole(self) -> bool:
        """Whether the newest revision is ready and has all the traffic."""
        return self.has_all and bool(self.created) and self.created == self.ready == self.rolled_out


class InferenceService:
    """One InferenceService in KServe's mode Knative, through a client of custom resources."""

    mode = "Knative"

    def __init__(self, client: Any, namespace: str, loop: str) -> None:
        self.client = client
        self.name = loop.replace("_", "-")  # a name of a host knows no underscore
        self.place = (*RESOURCE, namespace, PLURAL)
        self.what = f"InferenceService {namespace}/{self.name}"

    def read(self) -> State | None:
        """Its state, or None if there is none."""
        from kubernetes.client import ApiException

        try:
            with answering(self.what):
                body = self.client.get_namespaced_custom_object(
                    *self.place, self.name, _request_timeout=TIMEOUT_SECONDS
                )
        except ApiException:  # nothing but 404 passes
            return None
        return self._state(body)

    def create(self, served: Served) -> None:
        """Make it, with all traffic for one version. One that is there already stays."""
        from kubernetes.client import ApiException

        body = {
            "apiVersion": "/".join(RESOURCE),
            "kind": "InferenceService",
            "metadata": {"name": self.name, "annotations": {MODE: self.mode}},
            "spec": {"predictor": self._first(served)},
        }
        try:
            with answering(self.what):
                self.client.create_namespaced_custom_object(*self.place, body, _request_timeout=TIMEOUT_SECONDS)
        except ConflictError:
            return
        except ApiException as error:  # nothing but 404 passes
            raise ConfigError(
                f"{self.what} cannot be made: the cluster has no such namespace, or no KServe.",
                "Apply manifests/ first.",
            ) from error

    def change(self, served: Served, percent: int | None, over: Served | None = None) -> None:
        """Name a version and its share in one write; None: all. SupersededError unless it names `over` or it now."""
        for _ in range(_WRITES):
            state = self.read()
            if state is None or state.served not in (served, over):
                named = "nothing" if state is None else f"version {state.served.number}"
                raise SupersededError(f"{self.what} names {named} now: another rollout has taken over.")
            if (state.served, state.percent) == (served, percent):
                return
            try:
                self._patch(state, served, percent)
            except ConflictError:
                continue
            return
        raise ConflictError(f"{self.what} was changed by others at every one of {_WRITES} tries.")

    def delete(self) -> None:
        """Take it away, if it is there."""
        from kubernetes.client import ApiException

        try:
            with answering(self.what):
                self.client.delete_namespaced_custom_object(*self.place, self.name, _request_timeout=TIMEOUT_SECONDS)
        except ApiException:  # nothing but 404 passes
            return

    def _patch(self, state: State, served: Served, percent: int | None) -> None:
        body = {
            "metadata": {"resourceVersion": state.body["metadata"]["resourceVersion"]},
            "spec": self._change(state, served, percent),
        }
        with answering(self.what):
            self.client.patch_namespaced_custom_object(*self.place, self.name, body, _request_timeout=TIMEOUT_SECONDS)

    def _first(self, served: Served) -> dict[str, Any]:
        """The predictor of one that is new."""
        model = {"modelFormat": {"name": FORMAT}, "runtime": RUNTIME, **model_of(served, {})}
        return {"serviceAccountName": ACCOUNT, "model": model}

    def _change(self, state: State, served: Served, percent: int | None) -> dict[str, Any]:
        """What changes in the spec so that it names a version and its share."""
        model = model_of(served, state.body["spec"]["predictor"])
        return {"predictor": {"canaryTrafficPercent": percent, "model": model}}

    def _state(self, body: Mapping[str, Any]) -> State:
        return _state(body, self.what)


def model_of(served: Served, predictor: Mapping[str, Any]) -> dict[str, Any]:
    """What names a version in a predictor, the rest of its environment kept."""
    ours = {VERSION_VARIABLE: served.number, CARD_VARIABLE: served.card_sha256}
    others = [entry for entry in _environment(predictor) if entry["name"] not in ours]
    named = [{"name": name, "value": value} for name, value in ours.items()]
    return {"storageUri": served.model_uri, "env": [*others, *named]}


def _environment(predictor: Mapping[str, Any]) -> list[dict[str, Any]]:
    return list(predictor.get("model", {}).get("env") or [])


def served_by(predictor: Mapping[str, Any], what: str) -> Served:
    """The version that a predictor names. ConfigError if it names none."""
    named = {entry["name"]: entry.get("value", "") for entry in _environment(predictor)}
    if VERSION_VARIABLE not in named or CARD_VARIABLE not in named:
        raise ConfigError(
            f"{what} does not say which registered version it serves: it was not made by driftloop.",
            f"Delete it, or set {VERSION_VARIABLE} and {CARD_VARIABLE} in spec.predictor.model.env.",
        )
    return Served(named[VERSION_VARIABLE], str(predictor["model"].get("storageUri", "")), named[CARD_VARIABLE])


def _state(body: Mapping[str, Any], what: str) -> State:
    predictor = body["spec"]["predictor"]
    status = body.get("status") or {}
    found = (status.get("components") or {}).get("predictor") or {}
    served = served_by(predictor, what)
    traffic: dict[str, int] = {}
    for target in found.get("traffic") or []:
        revision = str(target.get("revisionName", ""))
        traffic[revision] = traffic.get(revision, 0) + int(target.get("percent") or 0)
    return State(
        served=served,
        percent=predictor.get("canaryTrafficPercent"),
        created=str(found.get("latestCreatedRevision") or ""),
        ready=str(found.get("latestReadyRevision") or ""),
        rolled_out=str(found.get("latestRolledoutRevision") or ""),
        traffic=traffic,
        complaints=tuple(complaints(status)),
        body=body,
    )


def complaints(status: Mapping[str, Any]) -> Iterator[str]:
    """What a status finds wrong."""
    model = status.get("modelStatus") or {}
    failure = model.get("lastFailureInfo") or {}
    created = ((status.get("components") or {}).get("predictor") or {}).get("latestCreatedRevision")
    if (
        failure and failure.get("modelRevisionName", created) == created
    ):  # a failure stays in the status when it is over
        said = " ".join(str(failure[part]) for part in ("reason", "message") if failure.get(part))
        yield f"The model's last failure: {said[:500]}"
    told: list[str] = [str(failure.get("message") or "")]
    for condition in status.get("conditions") or []:
        message = str(condition.get("message") or condition.get("reason") or "")
        if condition.get("status") == "False" and not any(each and each in message for each in told):
            told.append(message)  # conditions that hang on each other say the same again
            yield f"{condition.get('type')} is False: {message[:500]}"
