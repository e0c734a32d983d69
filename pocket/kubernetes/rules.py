"""What holds of an object by itself: its name, its identity, what a write may change."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import dataclass, field

from pocket.kubernetes.kinds import NAMESPACE, Kind
from pocket.kubernetes.schema import invalid
from pocket.kubernetes.status_error import Json, StatusError

_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")
_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_WITH_SHORT_NAMES = ("Namespace", "InferenceService", "Service")
"""Kinds whose names become part of a host's name."""
_SYSTEM = ("name", "namespace", "uid", "creationTimestamp", "generation", "resourceVersion")
_SYSTEM_DELETION = ("deletionTimestamp", "deletionGracePeriodSeconds")


@dataclass(frozen=True)
class Place:
    """Where an object is; `namespace` is empty for kinds without one."""

    kind: Kind
    namespace: str
    name: str
    subresource: str = ""


@dataclass(frozen=True)
class Options:
    """How a write is wanted."""

    manager: str
    strictness: str = "Warn"
    dry_run: bool = False
    force: bool = False


@dataclass(frozen=True)
class Outcome:
    """What a write answers."""

    body: Json
    code: int = 200
    warnings: list[str] = field(default_factory=list)


def addressed(place: Place, live: Json | None, body: Json) -> Json:
    """The body with the identity it must have. StatusErrors 400 and 409 if it claims another."""
    kind, metadata = place.kind, metadata_of(body)
    for key, wanted in (("apiVersion", kind.api_version), ("kind", kind.name)):
        if body.get(key, wanted) != wanted:
            raise StatusError(400, f"the {key} in the data ({body[key]}) does not match the expected one ({wanted})")
    for key, wanted in (("name", place.name), ("namespace", place.namespace)):
        if (metadata.get(key) or wanted) != wanted:
            raise StatusError(
                400, f"the {key} of the object ({metadata[key]}) does not match that of the URL ({wanted})"
            )
    if live:
        for key in ("resourceVersion", "uid"):
            if (metadata.get(key) or live["metadata"][key]) != live["metadata"][key]:
                raise conflict(place, "the object has been modified; please apply your changes to the latest version")
    own = {key: part for key, part in metadata.items() if key not in (*_SYSTEM, *_SYSTEM_DELETION)}
    kept = (
        {key: live["metadata"][key] for key in (*_SYSTEM, *_SYSTEM_DELETION) if key in live["metadata"]} if live else {}
    )
    identity = {"name": place.name} | ({"namespace": place.namespace} if kind.namespaced else {})
    return {**body, "apiVersion": kind.api_version, "kind": kind.name, "metadata": {**identity, **kept, **own}}


def metadata_of(body: Json) -> Json:
    """The metadata of a body, empty if it has none. StatusError 400 if it is no object."""
    found = body.get("metadata") or {}
    if not isinstance(found, dict):
        raise StatusError(400, "metadata must be an object")
    return found


def check_name(kind: Kind, name: str) -> None:
    """StatusError 422 for a name the kind cannot have."""
    cause = None
    form = _LABEL if kind.name in _WITH_SHORT_NAMES else _SUBDOMAIN
    if not name:
        cause = ("FieldValueRequired", "Required value: name or generateName is required", "metadata.name")
    elif not form.fullmatch(name):
        words = f"Invalid value: {name[:80]!r}: lower case letters, digits and '-' only, at most 63"
        words = words if form is _LABEL else words.replace("'-' only, at most 63", "'-' or '.' only, at most 253")
        cause = ("FieldValueInvalid", words, "metadata.name")
    if cause:
        raise invalid(kind, name, [cause])


def configured(config: Json) -> Json:
    """What an apply may say: nothing of what is the server's."""
    metadata = {
        name: part for name, part in config.get("metadata", {}).items() if name not in (*_SYSTEM, *_SYSTEM_DELETION)
    }
    return {**config, "metadata": metadata} if metadata else {k: v for k, v in config.items() if k != "metadata"}


def with_status_of(live: Json | None, new: Json, place: Place) -> Json:
    """A write of the status changes nothing else, any other write everything but it. Empty metadata is none."""
    if place.subresource and live:
        rest = {name: part for name, part in live.items() if name != "status"}
        metadata = {**live["metadata"], "managedFields": new["metadata"].get("managedFields")}
        new = {**rest, "metadata": metadata, **({"status": new["status"]} if "status" in new else {})}
    elif place.kind.has_status:
        new = {name: part for name, part in new.items() if name != "status"}
        status = live.get("status") if live else {"phase": "Active"} if place.kind is NAMESPACE else None
        new |= {} if status is None else {"status": status}
    told = {name: part for name, part in new["metadata"].items() if part not in ({}, []) or name == "managedFields"}
    return {**new, "metadata": told}


def encoded(secret: Json) -> Json:
    """A Secret with its stringData in its data."""
    plain = secret.pop("stringData", {})
    coded = {name: base64.b64encode(text.encode()).decode() for name, text in plain.items()}
    return {**secret, "data": {**secret.get("data", {}), **coded}} if coded else secret


def check_change(place: Place, live: Json, new: Json) -> None:
    """StatusError 422 for a change that is not allowed: of what is immutable, of finalizers once deleted."""
    name, kind = place.name, place.kind
    if kind.name == "Secret" and live["type"] != new["type"]:
        raise invalid(kind, name, [("FieldValueInvalid", "Invalid value: field is immutable", "type")])
    if live.get("immutable") is True and content(live) != content(new):
        raise invalid(
            kind, name, [("FieldValueForbidden", "Forbidden: field is immutable when `immutable` is set", "data")]
        )
    added = set(new["metadata"].get("finalizers", [])) - set(live["metadata"].get("finalizers", []))
    if "deletionTimestamp" in live["metadata"] and added:
        words = f"Forbidden: no new finalizers can be added if the object is being deleted: {sorted(added)}"
        raise invalid(kind, name, [("FieldValueForbidden", words, "metadata.finalizers")])


def content(obj: Json) -> str:
    """What a generation counts: everything but metadata and status, in one order."""
    return json.dumps({name: part for name, part in obj.items() if name not in ("metadata", "status")}, sort_keys=True)


def conflict(place: Place, why: str) -> StatusError:
    """409: somebody else was faster."""
    details = {"name": place.name, "group": place.kind.group, "kind": place.kind.plural}
    message = f'Operation cannot be fulfilled on {place.kind.resource} "{place.name}": {why}'
    return StatusError(409, message, details=details)
