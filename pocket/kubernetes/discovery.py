"""What clients ask before they ask anything else: versions, groups, resources, OpenAPI."""

from __future__ import annotations

import hashlib
import json
from functools import cache

from pocket.kubernetes.kinds import API_VERSIONS, KINDS, SUPPORTED, Kind
from pocket.kubernetes.status_error import Json, StatusError

VERSION: Json = {"major": "1", "minor": "37", "gitVersion": "v1.37.0+driftloop", "platform": "linux/amd64"}
_VERBS = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"]


def core() -> Json:
    """Answer of /api."""
    return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []}


def groups() -> Json:
    """Answer of /apis."""
    named = [group(version.partition("/")[0]) for version in API_VERSIONS if "/" in version]
    return {
        "kind": "APIGroupList",
        "apiVersion": "v1",
        "groups": list({found["name"]: found for found in named}.values()),
    }


def group(name: str) -> Json:
    """Answer of /apis/<group>. StatusError 404."""
    versions = [
        {"groupVersion": each, "version": each.partition("/")[2]} for each in API_VERSIONS if f"{name}/" in each
    ]
    if not versions:
        raise StatusError(404, f"the group {name} is not supported here. Supported are {SUPPORTED}.")
    return {"kind": "APIGroup", "apiVersion": "v1", "name": name, "versions": versions, "preferredVersion": versions[0]}


def resources(api_version: str) -> Json:
    """Answer of /api/v1 and /apis/<group>/<version>. StatusError 404."""
    listed = [entry for kind in _kinds(api_version) for entry in _resources(kind)]
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": api_version, "resources": listed}


def openapi_index() -> Json:
    """Answer of /openapi/v3: where each group's document is; the hash changes with it."""
    paths = {}
    for version in API_VERSIONS:
        place = f"apis/{version}" if "/" in version else f"api/{version}"
        digest = hashlib.sha256(openapi(version)).hexdigest()[:32]
        paths[place] = {"serverRelativeURL": f"/openapi/v3/{place}?hash={digest}"}
    return {"paths": paths}


@cache
def openapi(api_version: str) -> bytes:
    """A group's document, with which kubectl validates and explains. StatusError 404."""
    kinds = _kinds(api_version)
    info = {"title": "Kubernetes", "version": VERSION["gitVersion"]}
    paths = {f"{kind.path('{namespace}' if kind.namespaced else None)}/{{name}}": _operations(kind) for kind in kinds}
    schemas = {_schema_name(kind): {**kind.schema, "x-kubernetes-group-version-kind": [_gvk(kind)]} for kind in kinds}
    document = {"openapi": "3.0.0", "info": info, "paths": paths, "components": {"schemas": schemas}}
    return json.dumps(document, separators=(",", ":")).encode()


def _kinds(api_version: str) -> list[Kind]:
    found = [kind for kind in KINDS if kind.api_version == api_version]
    if not found:
        raise StatusError(404, f"{api_version} is not supported here. Supported are {SUPPORTED}.")
    return found


def _resources(kind: Kind) -> list[Json]:
    base = {"name": kind.plural, "singularName": kind.name.lower(), "namespaced": kind.namespaced, "kind": kind.name}
    status = {"name": f"{kind.plural}/status", "singularName": "", "namespaced": kind.namespaced, "kind": kind.name}
    whole = {**base, "verbs": _VERBS, "shortNames": list(kind.short), "categories": ["all"] if kind.is_custom else []}
    return [whole, *([{**status, "verbs": ["get", "patch", "update"]}] if kind.has_status else [])]


def _operations(kind: Kind) -> Json:
    names = ("dryRun", "fieldManager", "fieldValidation", "force")
    query = [{"name": name, "in": "query", "schema": {"type": "string"}} for name in names]
    patch = {"x-kubernetes-action": "patch", "x-kubernetes-group-version-kind": _gvk(kind), "parameters": query}
    content = {"application/json": {"schema": {"$ref": f"#/components/schemas/{_schema_name(kind)}"}}}
    return {"patch": {**patch, "responses": {"200": {"description": "OK", "content": content}}}}


def _schema_name(kind: Kind) -> str:
    return ".".join([*reversed(kind.group.split(".")), kind.version, kind.name]).lstrip(".")


def _gvk(kind: Kind) -> Json:
    return {"group": kind.group, "version": kind.version, "kind": kind.name}
