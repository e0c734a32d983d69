"""Which objects a label selector and a field selector mean."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from pocket.kubernetes.kinds import Kind
from pocket.kubernetes.status_error import Json, StatusError
from pocket.kubernetes.table import pick

Test = Callable[[Json], bool]
_FIELDS = ("metadata.name", "metadata.namespace")
_SET = re.compile(r"^([\w./-]+)\s+(in|notin)\s+\(([^()]*)\)$")
_EQUAL = re.compile(r"^([\w./-]+)\s*(=|==|!=)\s*([\w./:-]*)$")
_EXISTS = re.compile(r"^(!?)\s*([\w./-]+)$")


def selection(kind: Kind, query: Mapping[str, str]) -> Test:
    """Whether `labelSelector` and `fieldSelector` mean an object. StatusError 400 if one cannot be read."""
    tests = [_label(part) for part in _split(query.get("labelSelector", ""))]
    tests += [_field(kind, part) for part in _split(query.get("fieldSelector", ""))]
    return lambda obj: all(test(obj) for test in tests)


def _split(selector: str) -> list[str]:
    """At commas outside parentheses."""
    return [part.strip() for part in re.split(r",(?![^()]*\))", selector) if part.strip()]


def _label(part: str) -> Test:
    if found := _SET.match(part):
        key, how, listed = found.groups()
        values = {value.strip() for value in listed.split(",")}
        return lambda obj: (_labels(obj).get(key) in values) == (how == "in")
    if found := _EQUAL.match(part):
        key, how, wanted = found.groups()
        return lambda obj: (_labels(obj).get(key) == wanted) == (how != "!=")
    if found := _EXISTS.match(part):
        absent, key = found.groups()
        return lambda obj: (key in _labels(obj)) != bool(absent)
    raise StatusError(400, f"unable to parse the label selector's requirement {part!r}")


def _field(kind: Kind, part: str) -> Test:
    found = _EQUAL.match(part)
    if not found:
        raise StatusError(400, f"unable to parse the field selector's requirement {part!r}")
    path, how, wanted = found.groups()
    if path not in (*_FIELDS, *kind.fields):
        raise StatusError(
            400, f"field label not supported: {path}; supported are {', '.join((*_FIELDS, *kind.fields))}"
        )
    return lambda obj: (str(pick(obj, path) or "") == wanted) == (how != "!=")


def _labels(obj: Json) -> dict[str, str]:
    found: dict[str, str] = obj["metadata"].get("labels") or {}
    return found
