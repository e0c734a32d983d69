"""Brokers and Triggers: resolved to addresses, handed to the Broker of this machine in its file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

from contracts.errors import ConfigError
from pocket import state
from pocket.broker import routes
from pocket.broker.service import INGRESS, name_of
from pocket.controllers.client import Json
from pocket.controllers.conditions import RefusedError, both, condition, dated

Objects = Mapping[str, Mapping[str, Json]]
"""Kind, then <namespace>/<name>."""


def config_path(home: Path) -> Path:
    """What `python -m pocket.broker` must be given as --config."""
    return home / "broker.json"


def ensure(home: Path) -> Path:
    """The Broker's file, with nothing in it if nothing was written yet."""
    path = config_path(home)
    if not path.exists():
        state.private_folder(home)
        state.private_file(path, "[]")
    return path


def reconcile(home: Path, objects: Objects) -> list[tuple[Json, Json]]:
    """Write the Broker's file anew if it differs; every Broker and Trigger with its status."""
    told, taken = [], []
    for broker in objects["Broker"].values():
        entry, status = _broker(home, broker, objects)
        taken += [entry] if entry else []
        told.append((broker, status))
    for trigger in objects["Trigger"].values():
        entry, status = _trigger(home, trigger, objects, taken)
        taken += [entry] if entry else []
        told.append((trigger, status))
    text = json.dumps(taken, indent=1)
    if ensure(home).read_text() != text:
        state.private_file(config_path(home), text)
    return told


def _broker(home: Path, broker: Json, objects: Objects) -> tuple[Json | None, Json]:
    address = _broker_address(home, broker["metadata"])
    reached = condition("Addressable", address is not None, "NotRunning", "The Broker's ingress does not run.")
    try:
        delivery = _delivery(home, broker, objects)
        entry = _accepted(home, broker, {"delivery": delivery}, [])
        sink = condition("DeadLetterSinkResolved", True)
    except RefusedError as error:
        entry, delivery = None, {}
        sink = condition("DeadLetterSinkResolved", False, error.reason, str(error))
    status = {
        "observedGeneration": broker["metadata"]["generation"],
        "conditions": dated([reached, sink, both("Ready", sink, reached)], broker.get("status", {})),
        **({"address": {"url": address}} if address else {}),
        **_dead_letters(delivery),
    }
    return entry, status


def _trigger(home: Path, trigger: Json, objects: Objects, taken: list[Json]) -> tuple[Json | None, Json]:
    metadata, spec, entry, found = trigger["metadata"], trigger["spec"], None, {}
    key = f"{metadata['namespace']}/{spec.get('broker')}"
    broker = objects["Broker"].get(key)
    known = condition("BrokerReady", broker is not None, "BrokerDoesNotExist", f"There is no Broker {key}.")
    try:
        uri = _resolved(home, spec.get("subscriber", {}), metadata["namespace"], objects)
        found = {"subscriberUri": uri}
        delivery = _delivery(home, trigger, objects)
        found |= _dead_letters(delivery)
        own = {name: spec[name] for name in ("broker", "filter", "filters") if name in spec}
        entry = _accepted(home, trigger, {**own, "subscriber": {"uri": uri}, "delivery": delivery}, taken)
        wired = condition("SubscriberResolved", True)
    except RefusedError as error:
        wired = condition("SubscriberResolved", False, error.reason, str(error))
    status = {
        "observedGeneration": metadata["generation"],
        "conditions": dated([known, wired, both("Ready", known, wired)], trigger.get("status", {})),
        **found,
    }
    return entry, status


def _delivery(home: Path, obj: Json, objects: Objects) -> Json:
    delivery = dict(obj.get("spec", {}).get("delivery") or {})
    if sink := delivery.get("deadLetterSink"):
        delivery["deadLetterSink"] = {"uri": _resolved(home, sink, obj["metadata"]["namespace"], objects)}
    return delivery


def _resolved(home: Path, sink: Json, namespace: str, objects: Objects) -> str:
    """The address of a destination: its `uri`, or its `ref`'s address with the `uri` as a path."""
    reference: dict[str, Any] = sink.get("ref") or {}
    if not reference:
        if uri := sink.get("uri"):
            return str(uri)
        raise RefusedError("Unresolved", "A destination needs a ref or a uri.")
    address: str | None
    kind, group = reference["kind"], reference.get("apiVersion", "").partition("/")[0]
    metadata = {"namespace": reference.get("namespace") or namespace, "name": reference["name"]}
    if (kind, group) == ("Broker", "eventing.knative.dev"):
        address = _broker_address(home, metadata)
    elif (kind, group) == ("Service", "serving.knative.dev"):
        service = objects["Service"].get(f"{metadata['namespace']}/{metadata['name']}", {})
        address = (service.get("status") or {}).get("address", {}).get("url")
    else:
        raise RefusedError("RefNotSupported", f"{group} {kind} is not supported as a destination.", "Use a Service.")
    if address is None:
        raise RefusedError("Unresolved", f"{kind} {metadata['namespace']}/{metadata['name']} has no address yet.")
    return urljoin(f"{address}/" if kind == "Broker" and sink.get("uri") else address, str(sink.get("uri") or ""))


def _broker_address(home: Path, metadata: Json) -> str | None:
    record = state.read(home, name_of(INGRESS))
    return f"{record.address}/{metadata['namespace']}/{metadata['name']}" if record and record.token else None


def _accepted(home: Path, obj: Json, spec: Json, beside: list[Json]) -> Json:
    """The object as the Broker takes it. RefusedError with the Broker's own word: one mistake would stop all."""
    metadata = {name: obj["metadata"][name] for name in ("name", "namespace")}
    entry = {"apiVersion": obj["apiVersion"], "kind": obj["kind"], "metadata": metadata, "spec": spec}
    trial = home / "broker.trial.json"
    state.private_file(trial, json.dumps([*(one for one in beside if one["kind"] == "Broker"), entry]))
    try:
        routes.read(trial)
    except ConfigError as error:
        raise RefusedError("NotSupported", error.what.removeprefix(f"{trial}: ")) from error
    finally:
        trial.unlink()
    return entry


def _dead_letters(delivery: Json) -> Json:
    return {"deadLetterSinkUri": delivery["deadLetterSink"]["uri"]} if delivery.get("deadLetterSink") else {}
