"""Objects as the table that `kubectl get` prints."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from pocket.kubernetes.kinds import Kind
from pocket.kubernetes.status_error import Json

_STEP = re.compile(r"^(\w+)(?:\[(?:(\w+)=(\w+))?\])?$")
_UNITS = ((86_400, "d"), (3_600, "h"), (60, "m"), (1, "s"))


def table(kind: Kind, objects: Sequence[Json], version: str, now: datetime, include: str = "Metadata") -> Json:
    """A meta.k8s.io Table; its rows carry the whole objects if `include` is Object."""
    titles = [("Name", "name"), *((title, "") for title, _ in kind.columns)]
    columns = [
        {"name": title, "type": "string", "format": form, "description": "", "priority": 0} for title, form in titles
    ]
    rows = [{"cells": _cells(kind, obj, now), "object": _shown(obj, include)} for obj in objects]
    head = {"kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": {"resourceVersion": version}}
    return {**head, "columnDefinitions": columns, "rows": rows}


def pick(obj: Any, path: str) -> Any:
    """The value at a path: `a.b`, `a[key=value].b` for the item with that value, `a[].b` for all joined."""
    for index, step in enumerate(steps := path.split(".")):
        found = _STEP.match(step)
        obj = obj.get(found[1]) if found and isinstance(obj, dict) else None
        if found and step.endswith("[]"):
            rest = ".".join(steps[index + 1 :])
            return ",".join(str(pick(item, rest)) for item in obj or [])
        if found and found[2]:
            obj = next((item for item in obj or [] if _word(item.get(found[2])) == found[3]), None)
    return obj


def age(timestamp: str, now: datetime) -> str:
    """Time since a timestamp, in its two largest units where these are small."""
    seconds = max(0, int((now - datetime.fromisoformat(timestamp)).total_seconds()))
    for index, (size, unit) in enumerate(_UNITS):
        if seconds >= (2 if unit != "s" else 0) * size:
            rest = seconds % size // _UNITS[index + 1][0] if unit != "s" and seconds < 10 * size else 0
            return f"{seconds // size}{unit}" + (f"{rest}{_UNITS[index + 1][1]}" if rest else "")
    return f"{seconds}s"


def _cells(kind: Kind, obj: Json, now: datetime) -> list[str]:
    return [obj["metadata"]["name"], *(_cell(obj, path, now) for _, path in kind.columns)]


def _cell(obj: Json, path: str, now: datetime) -> str:
    if path.endswith("#"):
        return str(len(pick(obj, path[:-1]) or ()))
    value = pick(obj, path)
    if path.endswith("Timestamp"):
        return age(value, now) if value else "<unknown>"
    return "" if value is None else _word(value)


def _word(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _shown(obj: Json, include: str) -> Json | None:
    if include == "None":
        return None
    partial = {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": obj["metadata"]}
    return obj if include == "Object" else partial
