"""The kinds the API knows, their schemas, and the columns `kubectl get` shows of each."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from pocket.kubernetes.status_error import Json, StatusError

_SCHEMAS = Path(__file__).parent / "schemas"


@dataclass(frozen=True)
class Kind:
    """One kind of object."""

    api_version: str
    name: str
    plural: str
    short: tuple[str, ...]
    columns: tuple[tuple[str, str], ...]
    """Title and path of what `kubectl get` shows after the name; a path that ends in `Timestamp` is shown as an age."""
    namespaced: bool = True
    fields: tuple[str, ...] = ()
    """What a field selector may name beside the object's name and namespace."""

    @property
    def group(self) -> str:
        """Empty for the core group."""
        return self.api_version.rpartition("/")[0]

    @property
    def version(self) -> str:
        """Without the group."""
        return self.api_version.rpartition("/")[2]

    @property
    def resource(self) -> str:
        """As messages name it: plural and group."""
        return f"{self.plural}.{self.group}".rstrip(".")

    @property
    def is_custom(self) -> bool:
        """Whether it would be a custom resource: generation counts its changes, PUT needs a version."""
        return bool(self.group)

    @property
    def has_status(self) -> bool:
        """Whether status is a subresource."""
        return self.is_custom or self.name == "Namespace"

    @property
    def schema(self) -> Json:
        """Its OpenAPI schema, that of ObjectMeta included."""
        return _schema(self.api_version, self.name)

    def path(self, namespace: str | None) -> str:
        """Where its objects are."""
        root = f"/apis/{self.api_version}" if self.group else "/api/v1"
        return f"{root}/namespaces/{namespace}/{self.plural}" if namespace else f"{root}/{self.plural}"


@cache
def _schema(api_version: str, name: str) -> Json:
    schema: Json = json.loads((_SCHEMAS / f"{api_version.replace('/', '_')}_{name}.json").read_text())
    schema["properties"]["metadata"] = json.loads((_SCHEMAS / "metadata.json").read_text())
    return schema


_AGE = ("Age", "metadata.creationTimestamp")
_READY = (("Ready", "status.conditions[type=Ready].status"), ("Reason", "status.conditions[type=Ready].reason"))
_TRAFFIC = "status.components.predictor.traffic"
_EVENT_FIELDS = tuple(f"involvedObject.{name}" for name in ("apiVersion", "kind", "name", "namespace", "uid"))

KINDS = (
    Kind("v1", "Namespace", "namespaces", ("ns",), (("Status", "status.phase"), _AGE), False, ("status.phase",)),
    Kind("v1", "Secret", "secrets", (), (("Type", "type"), ("Data", "data#"), _AGE), fields=("type",)),
    Kind("v1", "ConfigMap", "configmaps", ("cm",), (("Data", "data#"), _AGE)),
    Kind("v1", "ServiceAccount", "serviceaccounts", ("sa",), (("Secrets", "secrets#"), _AGE)),
    Kind(
        *("v1", "Event", "events", ("ev",)),
        columns=(
            *(("Last Seen", "lastTimestamp"), ("Type", "type"), ("Reason", "reason")),
            *(("Kind", "involvedObject.kind"), ("Object", "involvedObject.name"), ("Message", "message")),
        ),
        fields=(*_EVENT_FIELDS, "reason", "type"),
    ),
    Kind(
        *("serving.kserve.io/v1beta1", "InferenceService", "inferenceservices", ("isvc",)),
        columns=(
            *(("URL", "status.url"), _READY[0], ("Prev", f"{_TRAFFIC}[tag=prev].percent")),
            *(("Latest", f"{_TRAFFIC}[latestRevision=true].percent"),),
            ("PrevRolledoutRevision", f"{_TRAFFIC}[tag=prev].revisionName"),
            ("LatestReadyRevision", f"{_TRAFFIC}[latestRevision=true].revisionName"),
            _AGE,
        ),
    ),
    Kind(
        *("serving.kserve.io/v1alpha1", "ServingRuntime", "servingruntimes", ()),
        columns=(
            *(("Disabled", "spec.disabled"), ("ModelType", "spec.supportedModelFormats[].name")),
            *(("Containers", "spec.containers[].name"), _AGE),
        ),
    ),
    Kind(
        *("serving.knative.dev/v1", "Service", "services", ("kservice", "ksvc")),
        columns=(
            *(("URL", "status.url"), ("LatestCreated", "status.latestCreatedRevisionName")),
            *(("LatestReady", "status.latestReadyRevisionName"), *_READY),
        ),
    ),
    Kind(
        *("eventing.knative.dev/v1", "Broker", "brokers", ()),
        columns=(("URL", "status.address.url"), _AGE, *_READY),
    ),
    Kind(
        *("eventing.knative.dev/v1", "Trigger", "triggers", ()),
        columns=(("Broker", "spec.broker"), ("Subscriber_URI", "status.subscriberUri"), _AGE, *_READY),
    ),
)
NAMESPACE = KINDS[0]
API_VERSIONS = tuple(dict.fromkeys(kind.api_version for kind in KINDS))
SUPPORTED = ", ".join(f"{kind.name} ({kind.api_version})" for kind in KINDS)


def find(api_version: str, plural: str) -> Kind:
    """The kind of a path. StatusError 404, which names those there are."""
    for kind in KINDS:
        if (kind.api_version, kind.plural) == (api_version, plural):
            return kind
    what = f"the server could not find the requested resource: {plural} of {api_version} is not supported here"
    raise StatusError(404, f"{what}. Supported are {SUPPORTED}.")
