"""The verbs: what creating, changing and deleting an object means. Each is one transaction of the store."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from pocket.kubernetes import fields, patches
from pocket.kubernetes.fields import Manager, Owners
from pocket.kubernetes.kinds import KINDS, NAMESPACE, Kind
from pocket.kubernetes.rules import (
    Options,
    Outcome,
    Place,
    addressed,
    check_change,
    check_name,
    configured,
    conflict,
    content,
    encoded,
    metadata_of,
    with_status_of,
)
from pocket.kubernetes.schema import fit, invalid
from pocket.kubernetes.status_error import Json, StatusError
from pocket.kubernetes.store import Change, Store

_SUFFIX = "bcdfghjklmnpqrstvwxz2456789"


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
        metadata = metadata_of(body)
        if metadata.get("resourceVersion"):
            raise StatusError(400, "resourceVersion should not be set on objects to be created")
        if not metadata.get("name") and isinstance(prefix := metadata.get("generateName"), str) and prefix:
            name = prefix[:58] + "".join(secrets.choice(_SUFFIX) for _ in range(5))
            body = {**body, "metadata": {**metadata, "name": name}}
        name = str(metadata_of(body).get("name") or "")
        check_name(kind, name)
        place = Place(kind, namespace, name)
        if self.store.get(kind, namespace, name):
            details = {"name": name, "group": kind.group, "kind": kind.plural}
            raise StatusError(409, f'{kind.resource} "{name}" already exists', "AlreadyExists", details)
        return self._write(place, None, body, options)

    def replace(self, place: Place, body: Json, options: Options) -> Outcome:
        """PUT. StatusErrors 400, 404, 409, 422."""
        live = self.get(place)
        if place.kind.is_custom and not metadata_of(body).get("resourceVersion"):
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
        check_name(place.kind, place.name)
        if metadata_of(config).get("managedFields"):
            raise StatusError(400, "metadata.managedFields must be nil")
        live = self.get(place) if place.subresource else self.store.get(place.kind, place.namespace, place.name)
        config, warnings = fit(place.kind, addressed(place, live, config), options.strictness, partial=True)
        if place.kind.has_status:
            config = {name: part for name, part in config.items() if (name == "status") == bool(place.subresource)}
        manager = Manager(options.manager, "Apply", place.subresource)
        merged, owners = fields.applied(place.kind, live or {}, configured(config), manager, options.force)
        outcome = self._write(place, live, merged, options, owners)
        return Outcome(outcome.body, outcome.code, warnings)

    def delete(self, place: Place, wish: Json, dry_run: bool) -> Outcome:
        """DELETE. One with finalizers is marked, and goes when the last of them does. StatusErrors 403, 404, 409."""
        live = self.get(place)
        for name, wanted in (wish.get("preconditions") or {}).items():
            if name in ("uid", "resourceVersion") and wanted != live["metadata"][name]:
                raise conflict(place, f"Precondition failed: {name} in precondition: {wanted}")
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
        new, warnings = fit(kind, addressed(place, live, body), options.strictness)
        new = with_status_of(live, new, place)
        if kind.name == "Secret":
            new = encoded(new)
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
            check_change(place, live, new)
            if kind.is_custom and content(new) != content(live):
                new["metadata"]["generation"] += 1
        released = "deletionTimestamp" in new["metadata"] and not new["metadata"].get("finalizers")
        if not options.dry_run:
            goes = released and kind is not NAMESPACE  # which `sweep` takes away when it is empty
            self.store.commit([Change(kind, new, None) if goes else Change(kind, live, new)])
        return Outcome(new, 200 if live else 201, warnings)

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
