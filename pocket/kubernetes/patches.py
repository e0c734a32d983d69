"""What a patch makes of an object: merge (RFC 7386), JSON patch (RFC 6902), strategic merge of core kinds."""

from __future__ import annotations

import copy
import json
from typing import Any

import jsonpatch
import jsonpointer

from pocket.kubernetes.kinds import Kind
from pocket.kubernetes.schema import child, item_key
from pocket.kubernetes.status_error import Json, StatusError

MAX_OPERATIONS = 1_000
MAX_BYTES = 3_000_000
"""Of a body, and of what a patch may make of an object."""
MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
JSON_PATCH = "application/json-patch+json"
_DIRECTIVES = ("$setElementOrder/", "$retainKeys")


def patched(kind: Kind, live: Json, patch: Any, content_type: str) -> Json:
    """The patched object; the live one stays as it is. StatusErrors 400, 415 and 422."""
    if content_type == JSON_PATCH:
        return _by_operations(live, patch)
    if content_type == STRATEGIC and kind.is_custom:
        raise StatusError(415, f"{kind.name} takes no strategic merge patch; use {MERGE} or {JSON_PATCH}")
    if not isinstance(patch, dict):
        raise StatusError(400, "a merge patch must be a JSON object")
    try:
        merged: Json = _strategic(kind.schema, live, patch) if content_type == STRATEGIC else _merged(live, patch)
    except TypeError as error:  # a directive's value has the wrong form
        raise StatusError(400, f"the patch cannot be applied: {error}") from error
    return merged


def _merged(live: Any, patch: Any) -> Any:
    if not isinstance(patch, dict):
        return patch
    base = dict(live) if isinstance(live, dict) else {}
    for name, part in patch.items():
        if part is None:
            base.pop(name, None)
        else:
            base[name] = _merged(base.get(name), part)
    return base


def _by_operations(live: Json, operations: Any) -> Json:
    if not isinstance(operations, list) or len(operations) > MAX_OPERATIONS:
        raise StatusError(400, f"a JSON patch must be a list of at most {MAX_OPERATIONS} operations")
    document: Any = copy.deepcopy(live)
    for operation in operations:
        try:
            document = jsonpatch.apply_patch(document, [operation])
        except (jsonpatch.JsonPatchException, jsonpointer.JsonPointerException, TypeError, ValueError) as error:
            raise StatusError(422, f"the JSON patch cannot be applied: {error or 'a test failed'}") from error
        if operation["op"] == "copy" and len(json.dumps(document)) > MAX_BYTES:  # copies of copies grow without bound
            raise StatusError(413, f"the JSON patch makes an object of more than {MAX_BYTES:,} bytes")
    if not isinstance(document, dict):
        raise StatusError(422, "the JSON patch leaves no object")
    return document


def _strategic(schema: Json, live: Any, patch: Any) -> Any:
    if isinstance(patch, dict):
        return _strategic_object(schema, live if isinstance(live, dict) else {}, patch)
    if isinstance(patch, list) and schema.get("x-kubernetes-list-type") in ("map", "set"):
        return _strategic_list(schema, live if isinstance(live, list) else [], patch)
    return patch


def _strategic_object(schema: Json, live: Json, patch: Json) -> Json:
    if patch.get("$patch") == "replace":
        return {name: part for name, part in patch.items() if name != "$patch"}
    base = dict(live)
    for name, part in patch.items():
        if name.startswith("$deleteFromPrimitiveList/"):
            field = name.partition("/")[2]
            base[field] = [item for item in base.get(field, []) if item not in part]
        elif name.startswith(_DIRECTIVES):
            continue  # order has no meaning in these lists, and none of these kinds has a union
        elif name.startswith("$"):
            raise StatusError(400, f"the directive {name} of strategic merge patches is not supported")
        elif part is None:
            base.pop(name, None)
        else:
            base[name] = _strategic(child(schema, name), base.get(name), part)
    return base


def _strategic_list(schema: Json, live: list[Any], patch: list[Any]) -> list[Any]:
    items = {item_key(schema, item): item for item in live}
    for item in patch:
        key = item_key(schema, item)
        if isinstance(item, dict) and item.get("$patch") == "delete":
            items.pop(key, None)
        else:
            items[key] = _strategic(schema.get("items", {}), items.get(key), item)
    return list(items.values())
