"""The verbs: what creating, changing and deleting an object means. Each is one transaction of the store."""

from __future__ import annotations

import base64
import json
import re
import secrets
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from pocket.kubernetes import fields, patches
from pocket.kubernetes.fields import Manager, Owners
from pocket.kubernetes.kinds import KINDS, Kind, find
from pocket.kubernetes.schema import fit, invalid
from pocket.kubernetes.status_error import Json, StatusError
from pocket.kubernetes.store import Change, Store

NAMESPACE = find("v1", "namespaces")
_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")
_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_WITH_SHORT_NAMES = ("Namespace", "InferenceService", "Service")
"""Kinds whose names become part of a host's name."""
_SYSTEM = ("name", "namespace", "uid", "creationTimestamp", "generation", "resourceVersion")
_SYSTEM_DELETION = ("deletionTimestamp", "deletionGracePeriodSeconds")
_SUFFIX = "bcdfghjklmnpqrstvwxz2456789"


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


class Objects:
    """Every object of a store, by the rules of the Kubernetes API."""

    def __init__(self, store: Store, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self.store = store
        self._clock = clock
        if store.get(NAMESPACE, "", "default") is None:
            self.create(NAMESPACE, "", {"metadata": {"name": "default"}}, Options("pocket"))

    def get(self, place: Place) -> Json:
        """One object. StatusError 404."""
        found = self.store.get(place.kind, place.namespace, place.name)
        if found is None:
            details = {"name": place.name, "group": place.kind.group, "kind": place.kind.plural}
            raise StatusError(404, f'{place.kind.resource} "{place.name}" not found', details=details)
        return found

    def create(self, kind: Kind, namespace: str, body: Json, options: Options) -> Outcome:
        """POST. StatusErrors 400, 403, 404, 409, 422."""
        metadata = _metadata(body)
        if metadata.get("resourceVersion"):
            raise StatusError(400, "resourceVersion should not be set on objects to be created")
        if not metadata.get("name") and isinstance(prefix := metadata.get("generateName"), str) and prefix:
            name = prefix[:58] + "".join(secrets.choice(_SUFFIX) for _ in range(5))
            body = {**body, "metadata": {**metadata, "name": name}}
        name = str(_metadata(body).get("name") or "")
        _check_name(kind, name)
        place = Place(kind, namespace, name)
        if self.store.get(kind, namespace, name):
            details = {"name": name, "group": kind.group, "kind": kind.plural}
            raise StatusError(409, f'{kind.resource} "{name}" already exists', "AlreadyExists", details)
        return self._write(place, None, body, options)

    def replace(self, place: Place, body: Json, options: Options) -> Outcome:
        """PUT. StatusErrors 400, 404, 409, 422."""
        live = self.get(place)
        if place.kind.is_custom and not _metadata(body).get("resourceVersion"):
            cause = (
                "FieldValueInvalid",
                "Invalid value: 0: must be specified for an update",
                "metadata.resourceVersion",
            )
            raise invalid(place.kind, place.name, [cause])
        return self._write(place, live, body, options)

    def patch(self, place: Place, patch: Any, content_type: str, options: Options) -> Outcome:
        """PATCH that is no apply. StatusErrors 400, 404, 409, 415, 422."""
        live = self.get(place)
        return self._write(place, live, patches.patched(place.kind, live, patch, content_type), options)

    def apply(self, place: Place, config: Json, options: Options) -> Outcome:
        """Server-side apply. StatusErrors 400, 404 (a subresource of nothing), 409, 422."""
        _check_name(place.kind, place.name)
        if _metadata(config).get("managedFields"):
            raise StatusError(400, "metadata.managedFields must be nil")
        live = self.get(place) if place.subresource else self.store.get(place.kind, place.namespace, place.name)
        config, warnings = fit(place.kind, self._addressed(place, live, config), options.strictness, partial=True)
        if place.kind.has_status:
            config = {name: part for name, part in config.items() if (name == "status") == bool(place.subresource)}
        manager = Manager(options.manager, "Apply", place.subresource)
        merged, owners = fields.applied(place.kind, live or {}, _configured(config), manager, options.force)
        outcome = self._write(place, live, merged, options, owners)
        return Outcome(outcome.body, outcome.code, warnings)

    def delete(self, place: Place, wish: Json, dry_run: bool) -> Outcome:
        """DELETE. One with finalizers is marked, and goes when the last of them does. StatusErrors 403, 404, 409."""
        live = self.get(place)
        for name, wanted in (wish.get("preconditions") or {}).items():
            if name in ("uid", "resourceVersion") and wanted != live["metadata"][name]:
                raise _conflict(place, f"Precondition failed: {name} in precondition: {wanted}")
        if place.kind is NAMESPACE and place.name == "default":
            raise StatusError(403, 'namespaces "default" is forbidden: this namespace may not be deleted')
        changes = self._deletion(place.kind, live)
        if not dry_run and changes:
            self.store.commit(changes)
        last = changes[-1].after if changes else live
        if last is not None:
            return Outcome(last)
        details = {
            "name": place.name,
            "group": place.kind.group,
            "kind": place.kind.plural,
            "uid": live["metadata"]["uid"],
        }
        return Outcome({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details})

    def terminating(self) -> list[Json]:
        """Namespaces that were deleted and are still there."""
        return [found for found in self.store.all(NAMESPACE, None) if "deletionTimestamp" in found["metadata"]]

    def sweep(self) -> None:
        """Delete what is in deleted namespaces, and those that are empty then."""
        for namespace in self.terminating():
            inside = self._inside(namespace["metadata"]["name"])
            changes = [change for kind, obj in inside for change in self._deletion(kind, obj)]
            if not any(obj["metadata"].get("finalizers") for obj in (namespace, *(obj for _, obj in inside))):
                changes.append(Change(NAMESPACE, namespace, None))
            if changes:
                self.store.commit(changes)

    def _write(
        self, place: Place, live: Json | None, body: Json, options: Options, owners: Owners | None = None
    ) -> Outcome:
        """The one way in: what is the server's is restored, the rest checked, ownership noted, the whole stored."""
        kind = place.kind
        new, warnings = fit(kind, self._addressed(place, live, body), options.strictness)
        new = _with_status_of(live, new, place)
        if kind.name == "Secret":
            new = _encoded(new)
        if owners is None:
            manager = Manager(options.manager, "Update", place.subresource)
            owners = fields.updated(kind, live or {}, new, manager)
        now = f"{self._clock():%Y-%m-%dT%H:%M:%SZ}"
        new["metadata"]["managedFields"] = fields.written(kind.api_version, owners, live or {}, now)
        if live == new:
            return Outcome(live, warnings=warnings)
        if live is None:
            self._check_namespace(place)
            new["metadata"] |= {"uid": str(uuid.uuid4()), "creationTimestamp": now}
            new["metadata"] |= {"generation": 1} if kind.is_custom else {}
        else:
            _check_change(place, live, new)
            if kind.is_custom and _content(new) != _content(live):
                new["metadata"]["generation"] += 1
        released = "deletionTimestamp" in new["metadata"] and not new["metadata"].get("finalizers")
        if not options.dry_run:
            goes = released and kind is not NAMESPACE  # which `sweep` takes away when it is empty
            self.store.commit([Change(kind, new, None) if goes else Change(kind, live, new)])
        return Outcome(new, 200 if live else 201, warnings)

    def _addressed(self, place: Place, live: Json | None, body: Json) -> Json:
        """The body with the identity it must have. StatusErrors 400 and 409 if it claims another."""
        kind, metadata = place.kind, _metadata(body)
        for key, wanted in (("apiVersion", kind.api_version), ("kind", kind.name)):
            if body.get(key, wanted) != wanted:
                raise StatusError(
                    400, f"the {key} in the data ({body[key]}) does not match the expected one ({wanted})"
                )
        for key, wanted in (("name", place.name), ("namespace", place.namespace)):
            if (metadata.get(key) or wanted) != wanted:
                raise StatusError(
                    400, f"the {key} of the object ({metadata[key]}) does not match that of the URL ({wanted})"
                )
        if live:
            for key in ("resourceVersion", "uid"):
                if (metadata.get(key) or live["metadata"][key]) != live["metadata"][key]:
                    raise _conflict(
                        place, "the object has been modified; please apply your changes to the latest version"
                    )
        own = {key: part for key, part in metadata.items() if key not in (*_SYSTEM, *_SYSTEM_DELETION)}
        kept = (
            {key: live["metadata"][key] for key in (*_SYSTEM, *_SYSTEM_DELETION) if key in live["metadata"]}
            if live
            else {}
        )
        identity = {"name": place.name} | ({"namespace": place.namespace} if kind.namespaced else {})
        return {**body, "apiVersion": kind.api_version, "kind": kind.name, "metadata": {**identity, **kept, **own}}

    def _check_namespace(self, place: Place) -> None:
        if place.kind.namespaced and "deletionTimestamp" in self.get(Place(NAMESPACE, "", place.namespace))["metadata"]:
            raise StatusError(403, f"namespace {place.namespace} is being terminated; nothing can be created in it")

    def _deletion(self, kind: Kind, live: Json) -> list[Change]:
        """What deleting an object changes: it goes, or is marked, or was marked before."""
        if not live["metadata"].get("finalizers") and kind is not NAMESPACE:
            return [Change(kind, live, None)]
        return [] if "deletionTimestamp" in live["metadata"] else [Change(kind, live, self._marked(kind, live))]

    def _inside(self, namespace: str) -> list[tuple[Kind, Json]]:
        return [(kind, obj) for kind in KINDS if kind.namespaced for obj in self.store.all(kind, namespace)]

    def _marked(self, kind: Kind, live: Json) -> Json:
        metadata = {**live["metadata"], "deletionTimestamp": f"{self._clock():%Y-%m-%dT%H:%M:%SZ}"}
        metadata |= {"deletionGracePeriodSeconds": 0}
        metadata |= {"generation": metadata["generation"] + 1} if kind.is_custom else {}
        return {**live, "metadata": metadata, **({"status": {"phase": "Terminating"}} if kind is NAMESPACE else {})}


def _metadata(body: Json) -> Json:
    found = body.get("metadata") or {}
    if not isinstance(found, dict):
        raise StatusError(400, "metadata must be an object")
    return found


def _check_name(kind: Kind, name: str) -> None:
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


def _configured(config: Json) -> Json:
    """What an apply may say: nothing of what is the server's."""
    metadata = {
        name: part for name, part in config.get("metadata", {}).items() if name not in (*_SYSTEM, *_SYSTEM_DELETION)
    }
    return {**config, "metadata": metadata} if metadata else {k: v for k, v in config.items() if k != "metadata"}


def _with_status_of(live: Json | None, new: Json, place: Place) -> Json:
    """A write of the status changes nothing else, any other write everything but it."""
    if place.subresource and live:
        rest = {name: part for name, part in live.items() if name != "status"}
        metadata = {**live["metadata"], "managedFields": new["metadata"].get("managedFields")}
        new = {**rest, "metadata": metadata, **({"status": new["status"]} if "status" in new else {})}
    elif place.kind.has_status:
        new = {name: part for name, part in new.items() if name != "status"}
        status = live.get("status") if live else {"phase": "Active"} if place.kind is NAMESPACE else None
        new |= {} if status is None else {"status": status}
    return {**new, "metadata": dict(new["metadata"])}


def _encoded(secret: Json) -> Json:
    plain = secret.pop("stringData", {})
    coded = {name: base64.b64encode(text.encode()).decode() for name, text in plain.items()}
    return {**secret, "data": {**secret.get("data", {}), **coded}} if coded else secret


def _check_change(place: Place, live: Json, new: Json) -> None:
    name, kind = place.name, place.kind
    if kind.name == "Secret" and live["type"] != new["type"]:
        raise invalid(kind, name, [("FieldValueInvalid", "Invalid value: field is immutable", "type")])
    if live.get("immutable") is True and _content(live) != _content(new):
        raise invalid(
            kind, name, [("FieldValueForbidden", "Forbidden: field is immutable when `immutable` is set", "data")]
        )
    added = set(new["metadata"].get("finalizers", [])) - set(live["metadata"].get("finalizers", []))
    if "deletionTimestamp" in live["metadata"] and added:
        words = f"Forbidden: no new finalizers can be added if the object is being deleted: {sorted(added)}"
        raise invalid(kind, name, [("FieldValueForbidden", words, "metadata.finalizers")])


def _content(obj: Json) -> str:
    return json.dumps({name: part for name, part in obj.items() if name not in ("metadata", "status")}, sort_keys=True)


def _conflict(place: Place, why: str) -> StatusError:
    details = {"name": place.name, "group": place.kind.group, "kind": place.kind.plural}
    message = f'Operation cannot be fulfilled on {place.kind.resource} "{place.name}": {why}'
    return StatusError(409, message, details=details)
