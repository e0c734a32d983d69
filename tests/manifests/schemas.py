"""Whether an object has the form of its kind: Kubernetes' own schemas at a version, those of KServe and Knative."""

from __future__ import annotations

import importlib.resources
import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema

from pocket.kubernetes.kinds import KINDS, Kind
from pocket.kubernetes.schema import child, fit
from pocket.kubernetes.status_error import Json, StatusError

VERSIONS = ("1.34.0", "1.35.0")
"""Those that manifests are for."""
_GROUPS = ("", "apps", "policy", "networking.k8s.io", "rbac.authorization.k8s.io")
_CRDS = Path(__file__).parent / "crds"
"""Of CRDs that the laptop does not have: Gateway API's (Apache-2.0), without descriptions and status."""
_CUSTOM = {(kind.api_version, kind.name): kind for kind in KINDS if kind.is_custom}


class Closed(Kind):
    """A kind whose every field is named: Knative's own schemas let anything pass in a Trigger."""

    @property
    def schema(self) -> Json:
        """Its schema, which knows no field but those it names."""
        return closed(super().schema)


def faults(found: Json, version: str) -> list[str]:
    """What is wrong with an object: unknown fields, wrong types, missing fields, a kind that nobody knows."""
    kind = _CUSTOM.get((found["apiVersion"], found["kind"]))
    if kind is None:
        errors = jsonschema.Draft202012Validator(schema_of(found, version)).iter_errors(found)
        return [f"{error.json_path}: {error.message}" for error in errors]
    try:
        return fit(Closed(**vars(kind)), found, "Strict")[1]
    except StatusError as error:
        return [str(error)]


def schema_of(found: Json, version: str) -> Json:
    """The schema of an object's kind; one that nothing fits if there is none."""
    kind = _CUSTOM.get((found["apiVersion"], found["kind"]))
    return _custom(kind) if kind else _native(found["apiVersion"], found["kind"], version)


def named(schema: Json, value: Any) -> Iterator[tuple[Json, str]]:
    """Every field that a schema names, with the map it is in; not the keys that are free, such as those of labels."""
    if isinstance(value, list):
        for item in value:
            yield from named(schema.get("items", {}), item)
    if isinstance(value, dict):
        for key, part in value.items():
            if schema.get("additionalProperties") is False:
                yield value, key
            yield from named(child(schema, key), part)


def closed(schema: Json) -> Json:
    """The schema without its leave for fields it does not name."""
    inner = {name: closed(part) for name, part in schema.get("properties", {}).items()}
    made = {**schema, **({"properties": inner, "additionalProperties": False} if inner else {})}
    made |= {name: closed(made[name]) for name in ("items", "additionalProperties") if isinstance(made.get(name), dict)}
    return made


@cache
def _custom(kind: Kind) -> Json:
    return Closed(**vars(kind)).schema


@cache
def _native(api_version: str, name: str, version: str) -> Json:
    group, _, level = api_version.rpartition("/")
    file = "-".join(filter(None, (name.lower(), group.partition(".")[0], level)))
    try:
        whole = json.loads((_folder(version) / f"{file}.json").read_text())
    except FileNotFoundError:
        whole = None
    crd = _CRDS / f"{api_version.replace('/', '_')}_{name}.json"
    if crd.is_file():
        found = json.loads(crd.read_text())
        return closed(
            {**found, "properties": {**found["properties"], "metadata": KINDS[0].schema["properties"]["metadata"]}}
        )
    if whole is None or group not in _GROUPS:
        return {"not": {}, "description": f"no kind {name} of {api_version}"}
    inlined: Json = _inlined(whole, version)
    return inlined


@cache
def _definitions(version: str) -> Json:
    found: Json = json.loads((_folder(version) / "_definitions.json").read_text())["$defs"]
    return found


def _folder(version: str) -> Any:
    """Of the strict schemas in the package kubernetes-validate."""
    root = importlib.resources.files("kubernetes_validate")
    return root / "kubernetes-json-schema" / f"v{version}-local-strict"


def _inlined(schema: Any, version: str) -> Any:
    """The schema with what it refers to in it: none of the kinds used here contains itself."""
    if isinstance(schema, list):
        return [_inlined(part, version) for part in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return _inlined(_definitions(version)[schema["$ref"].rpartition("/")[2]], version)
    return {name: _inlined(part, version) for name, part in schema.items()}
