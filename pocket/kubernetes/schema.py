"""Whether an object has the form of its kind: unknown fields out, defaults in, everything wrong told at once."""

from __future__ import annotations

import base64
import binascii
import json
import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pocket.kubernetes.kinds import Kind
from pocket.kubernetes.status_error import Json, StatusError

_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "object": (dict,),
    "array": (list,),
}
_BITS = {"int32": 31, "int64": 63}
_REQUIRED = "FieldValueRequired"


@dataclass
class Findings:
    """What a look at an object has found."""

    unknown: list[str] = field(default_factory=list)
    wrong: list[tuple[str, str, str]] = field(default_factory=list)
    """(reason, message, path)."""

    def tell(self, reason: str, path: str, message: str) -> None:
        """Note one fault."""
        self.wrong.append((reason, message, path))


def fit(kind: Kind, body: Json, strictness: str, partial: bool = False) -> tuple[Json, list[str]]:
    """The object without unknown fields and nulls and with defaults; warnings.

    `partial`: what is required may be missing. StatusError 400 for an unknown field when strictness is Strict, 422 for
    values that are wrong, naming each.
    """
    findings = Findings()
    fitted: Json = _fit(kind.schema, body, "", findings)
    unknown = [f'unknown field "{path}"' for path in findings.unknown]
    if unknown and strictness == "Strict":
        raise StatusError(400, f"strict decoding error: {', '.join(unknown)}")
    causes = [cause for cause in findings.wrong if not (partial and cause[0] == _REQUIRED)]
    if causes:
        raise invalid(kind, body.get("metadata", {}).get("name", ""), causes)
    return fitted, unknown if strictness != "Ignore" else []


def invalid(kind: Kind, name: str, causes: list[tuple[str, str, str]]) -> StatusError:
    """422 that lists every cause."""
    told = ", ".join(f"{path}: {message}" for _, message, path in causes)
    told = f"[{told}]" if len(causes) > 1 else told
    subject = f"{kind.name}.{kind.group}".rstrip(".")
    details = {"name": name, "group": kind.group, "kind": kind.name}
    return StatusError(422, f'{subject} "{name}" is invalid: {told}', details=details, causes=causes)


def child(schema: Json, name: str) -> Json:
    """Schema of a field of an object; an empty one, which takes anything, where none is given."""
    extra = schema.get("additionalProperties")
    found: Json = schema.get("properties", {}).get(name) or (extra if isinstance(extra, dict) else {})
    return found


def item_key(schema: Json, item: Any) -> str:
    """What tells an item of a list of type map or set from the others, as managedFields writes it."""
    if schema.get("x-kubernetes-list-type") == "set":
        return "v:" + json.dumps(item, separators=(",", ":"))
    if not isinstance(item, dict):
        raise StatusError(
            422, f"the items of a list with the keys {schema['x-kubernetes-list-map-keys']} must be objects"
        )
    keys = {name: item[name] for name in schema["x-kubernetes-list-map-keys"] if name in item}
    return "k:" + json.dumps(keys, separators=(",", ":"), sort_keys=True)


def _fit(schema: Json, value: Any, path: str, findings: Findings) -> Any:
    if not _is_of_type(schema, value):
        message = (
            f"Invalid value: must be of type {schema.get('type', 'integer or string')}, not {type(value).__name__}"
        )
        findings.tell("FieldValueTypeInvalid", path, message)
        return value
    if isinstance(value, dict):
        return _fit_object(schema, value, path, findings)
    if isinstance(value, list):
        return _fit_list(schema, value, path, findings)
    _check_scalar(schema, value, path, findings)
    return value


def _fit_object(schema: Json, value: Json, path: str, findings: Findings) -> Json:
    fitted: Json = {}
    closed = schema.get("additionalProperties") is False
    for name, part in value.items():
        place = f"{path}.{name}" if path else name
        if closed and name not in schema.get("properties", {}):
            findings.unknown.append(place)
        elif part is not None:
            fitted[name] = _fit(child(schema, name), part, place, findings)
    for name, about in schema.get("properties", {}).items():
        if "default" in about and name not in fitted:
            fitted[name] = about["default"]
    for name in schema.get("required", []):
        if name not in fitted:
            findings.tell(_REQUIRED, f"{path}.{name}" if path else name, "Required value")
    return fitted


def _fit_list(schema: Json, value: list[Any], path: str, findings: Findings) -> list[Any]:
    about = schema.get("items", {})
    fitted = [_fit(about, item, f"{path}[{index}]", findings) for index, item in enumerate(value)]
    if schema.get("x-kubernetes-list-type") in ("map", "set") and all(_is_of_type(about, item) for item in fitted):
        keys = [item_key(schema, item) for item in fitted]
        for index, key in enumerate(keys):
            if key in keys[:index]:
                findings.tell("FieldValueDuplicate", f"{path}[{index}]", f"Duplicate value: {key[2:]}")
    return fitted


def _is_of_type(schema: Json, value: Any) -> bool:
    if schema.get("x-kubernetes-int-or-string"):
        return isinstance(value, int | str) and not isinstance(value, bool)
    wanted = schema.get("type")
    if wanted is None:
        return True
    return isinstance(value, _TYPES[wanted]) and (wanted == "boolean" or not isinstance(value, bool))


def _check_scalar(schema: Json, value: Any, path: str, findings: Findings) -> None:
    shown = str(value)[:80]
    form = schema.get("format")
    if "enum" in schema and value not in schema["enum"]:
        allowed = ", ".join(map(str, schema["enum"]))
        findings.tell("FieldValueNotSupported", path, f"Unsupported value: {shown!r}: supported values: {allowed}")
    elif isinstance(value, str) and "pattern" in schema and not _matches(schema["pattern"], value):
        findings.tell("FieldValueInvalid", path, f"Invalid value: {shown!r} does not match {schema['pattern']}")
    elif form in _BITS and isinstance(value, int) and not -(2 ** _BITS[form]) <= value < 2 ** _BITS[form]:
        findings.tell("FieldValueInvalid", path, f"Invalid value: {shown} does not fit into {form}")
    elif form == "date-time" and not _is_time(value):
        findings.tell("FieldValueInvalid", path, f"Invalid value: {shown!r} is no RFC 3339 time with a zone")
    elif form == "byte" and not _is_base64(value):
        findings.tell("FieldValueInvalid", path, "Invalid value: must be base64")


def _matches(pattern: str, value: str) -> bool:
    """As Go reads a pattern, where `$` is the very end."""
    return bool(re.search(pattern.removesuffix("$") + (r"\Z" if pattern.endswith("$") else ""), value))


def _is_time(value: str) -> bool:
    try:
        return datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        return False


def _is_base64(value: str) -> bool:
    try:
        base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        return False
    return True
