"""Who owns which field: metadata.managedFields, and server-side apply on top of it.

A field is a path of elements as `fieldsV1` writes them: `f:name` in an object, `k:{...}` for the item of a list with
keys, `v:...` for a member of a set. Lists without keys and atomic objects are owned as a whole.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pocket.kubernetes.kinds import Kind
from pocket.kubernetes.schema import child, item_key
from pocket.kubernetes.status_error import Json, StatusError

Path = tuple[str, ...]
_OWNED_METADATA = ("labels", "annotations", "finalizers", "ownerReferences")
_LISTED = ("map", "set")


@dataclass(frozen=True)
class Manager:
    """Who writes: a name, how (Apply or Update), and on which subresource."""

    name: str
    operation: str
    subresource: str = ""


Owners = dict[Manager, frozenset[Path]]


def applied(kind: Kind, live: Json, config: Json, manager: Manager, force: bool) -> tuple[Json, Owners]:
    """The live object with a configuration applied, and its owners then. StatusError 409 naming each conflict."""
    owners = owners_of(live)
    wanted, present = leaves(kind, config), leaves(kind, live)
    differing = {path for path, value in wanted.items() if present.get(path, value) != value}
    conflicts = {who: paths & differing for who, paths in owners.items() if who != manager and paths & differing}
    if conflicts and not force:
        raise _conflict(conflicts)
    mine = owners.pop(manager, frozenset())
    owners = {who: paths - differing for who, paths in owners.items()}
    merged = _merge(kind.schema, copy.deepcopy(live), config)
    given_up = mine - wanted.keys()
    # An item before its fields: without its key it would no longer be known.
    for path in sorted(given_up - _held(frozenset().union(*owners.values()), given_up), key=len):
        _remove(kind.schema, merged, path)
    return merged, {**owners, manager: frozenset(wanted)}


def updated(kind: Kind, before: Json, after: Json, manager: Manager) -> Owners:
    """The owners after a write that is no apply: what it changed is the writer's, what it removed nobody's."""
    owners = owners_of(after if after.get("metadata", {}).get("managedFields") is not None else before)
    old, new = leaves(kind, before), leaves(kind, after)
    changed = {path for path, value in new.items() if path not in old or old[path] != value}
    gone = old.keys() - new.keys()
    owners = {who: paths - changed - gone for who, paths in owners.items()}
    if changed:
        owners[manager] = owners.get(manager, frozenset()) | changed
    return owners


def leaves(kind: Kind, obj: Json) -> dict[Path, Any]:
    """Every field that can be owned, with its value."""
    metadata = {name: obj.get("metadata", {}).get(name) for name in _OWNED_METADATA}
    kept = {name: value for name, value in metadata.items() if value}
    rest = {name: value for name, value in obj.items() if name not in ("apiVersion", "kind", "metadata")}
    return dict(_leaves(kind.schema, {**rest, **({"metadata": kept} if kept else {})}, ()))


def owners_of(obj: Json) -> Owners:
    """What managedFields says; entries that cannot be read say nothing."""
    entries = obj.get("metadata", {}).get("managedFields") or []
    owners: Owners = {}
    for entry in entries:
        manager = _manager(entry)
        tree = entry.get("fieldsV1")
        owners[manager] = frozenset(_paths(tree)) if isinstance(tree, dict) else frozenset()
    return {manager: paths for manager, paths in owners.items() if paths}


def written(api_version: str, owners: Owners, before: Json, now: str) -> list[Json]:
    """managedFields of the owners; an entry that does not differ from before keeps its time."""
    old = owners_of(before)
    times = {_manager(entry): entry.get("time", now) for entry in before.get("metadata", {}).get("managedFields", [])}
    return [
        _entry(api_version, who, paths, times.get(who, now) if old.get(who) == paths else now)
        for who, paths in sorted(
            owners.items(), key=lambda item: (item[0].name, item[0].operation, item[0].subresource)
        )
        if paths
    ]


def _manager(entry: Json) -> Manager:
    return Manager(*(str(entry.get(name, "")) for name in ("manager", "operation", "subresource")))


def _entry(api_version: str, who: Manager, paths: frozenset[Path], time: str) -> Json:
    tree: Json = {}
    for path in sorted(paths):
        node = tree
        for element in path:
            node = node.setdefault(element, {})
        if path[-1].startswith("k:"):
            node["."] = {}
    entry: Json = {"manager": who.name, "operation": who.operation, "apiVersion": api_version, "time": time}
    entry |= {"fieldsType": "FieldsV1", "fieldsV1": tree}
    return entry | ({"subresource": who.subresource} if who.subresource else {})


def _paths(tree: Json, at: Path = ()) -> Iterator[Path]:
    for element, below in tree.items():
        path = (*at, element)
        if element == "." or not isinstance(below, dict):
            continue
        if not below or "." in below:
            yield path
        yield from _paths(below, path)


def _held(others: frozenset[Path], given_up: frozenset[Path]) -> frozenset[Path]:
    """What must stay though it was given up: fields others own, the items these are in, and the keys of such items."""
    prefixes = {path[:end] for path in others for end in range(1, len(path) + 1)}
    keys = {path for path in given_up if path[:-1] in prefixes and path[-2:-1] and _is_key(path[-2], path[-1])}
    return frozenset((given_up & prefixes) | keys)


def _is_key(item: str, element: str) -> bool:
    return item.startswith("k:") and f"{json.dumps(element[2:])}:" in item


def _leaves(schema: Json, value: Any, at: Path) -> Iterator[tuple[Path, Any]]:
    if isinstance(value, dict) and value and schema.get("x-kubernetes-map-type") != "atomic":
        for name, part in value.items():
            yield from _leaves(child(schema, name), part, (*at, f"f:{name}"))
    elif isinstance(value, list) and value and schema.get("x-kubernetes-list-type") in _LISTED:
        for item in value:
            place = (*at, item_key(schema, item))
            yield place, True
            if isinstance(item, dict):
                yield from _leaves(schema["items"], item, place)
    elif at:
        yield at, value


def _merge(schema: Json, live: Any, config: Any) -> Any:
    if isinstance(live, dict) and isinstance(config, dict) and schema.get("x-kubernetes-map-type") != "atomic":
        parts = {name: _merge(child(schema, name), live.get(name), part) for name, part in config.items()}
        return {**live, **parts}
    if isinstance(live, list) and isinstance(config, list) and schema.get("x-kubernetes-list-type") in _LISTED:
        items = {item_key(schema, item): item for item in live}
        for item in config:
            key = item_key(schema, item)
            items[key] = _merge(schema.get("items", {}), items.get(key), item)
        return list(items.values())
    return config


def _remove(schema: Json, parent: Any, path: Path) -> None:
    """Take a field out, and what is left empty above it."""
    head, rest = path[0], path[1:]
    if isinstance(parent, dict) and head.startswith("f:") and head[2:] in parent:
        name = head[2:]
        if rest:
            _remove(child(schema, name), parent[name], rest)
        if not rest or parent[name] in ({}, []):
            del parent[name]
    elif isinstance(parent, list) and schema.get("x-kubernetes-list-type") in _LISTED:
        for item in [item for item in parent if item_key(schema, item) == head]:
            if rest:
                _remove(schema["items"], item, rest)
            else:
                parent.remove(item)


def _conflict(conflicts: dict[Manager, frozenset[Path]]) -> StatusError:
    causes = [
        ("FieldManagerConflict", f"conflict with {json.dumps(who.name)}", _readable(path))
        for who, paths in conflicts.items()
        for path in sorted(paths)
    ]
    told = ", ".join(f"{message}: {field}" for _, message, field in causes)
    plural = "conflict" if len(causes) == 1 else "conflicts"
    return StatusError(409, f"Apply failed with {len(causes)} {plural}: {told}", causes=causes)


def _readable(path: Path) -> str:
    return "".join(f".{element[2:]}" if element.startswith("f:") else f"[{element[2:]}]" for element in path)
