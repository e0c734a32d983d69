"""A request's body as plain values, or a refusal: bounded in bytes and in depth."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import yaml
from starlette.requests import Request

from pocket.kubernetes.patches import MAX_BYTES
from pocket.kubernetes.status_error import Json, StatusError

MAX_DEPTH = 64
_FORMS = "application/json and application/yaml (use `kubectl apply -f`, or `kubectl create -f`)"
_YAML = ("application/yaml", "application/apply-patch+yaml")


class _Loader(yaml.CSafeLoader):
    """YAML as JSON has it: a date is a string."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, form) for tag, form in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}


def content_type(request: Request) -> str:
    """Without its parameters."""
    return request.headers.get("content-type", "application/json").partition(";")[0].strip().lower()


async def read(request: Request) -> Any:
    """The value a body holds; None if it is empty. StatusErrors 400, 413, 415."""
    raw = bytearray()
    async for chunk in request.stream():
        raw += chunk
        if len(raw) > MAX_BYTES:
            raise StatusError(413, f"the body has more than {MAX_BYTES:,} bytes")
    form = content_type(request)
    if not raw.strip():
        return None
    if form not in _YAML and form != "application/json" and not form.endswith("+json"):
        raise StatusError(415, f"the body has the type {form}; supported are {_FORMS}")
    return parse(bytes(raw), form in _YAML)


async def read_object(request: Request) -> Json:
    """The object a body holds. StatusError 400 if it holds none."""
    found = await read(request)
    if not isinstance(found, dict):
        raise StatusError(400, "the body must be an object")
    return found


def parse(raw: bytes, is_yaml: bool) -> Any:
    """A value of JSON, or of YAML without aliases. StatusError 400."""
    try:
        text = raw.decode()
        value = _from_yaml(text) if is_yaml else _from_json(text)
        if "\\ud" in text.lower():
            json.dumps(value, ensure_ascii=False).encode()  # half a surrogate pair is no text
    except (ValueError, TypeError, yaml.YAMLError, RecursionError) as error:
        raise StatusError(400, f"the body cannot be read: {error}") from error
    if _depth(value) > MAX_DEPTH:
        raise StatusError(400, f"the body nests more than {MAX_DEPTH} levels")
    return value


def _from_json(text: str) -> Any:
    return json.loads(text, parse_constant=_refuse)


def _from_yaml(text: str) -> Any:
    with suppress(ValueError):  # kubectl sends JSON, which is YAML too, and read many times faster
        return _from_json(text)
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, yaml.AliasEvent):
            raise ValueError("YAML aliases are not supported")
    return _from_json(json.dumps(yaml.load(text, Loader=_Loader)))  # noqa: S506  a subclass of the safe loader


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")


def _depth(value: Any) -> int:
    deepest, level = 0, [value]
    while level and deepest <= MAX_DEPTH:
        deepest += 1
        level = [part for each in level for part in _parts(each)]
    return deepest


def _parts(value: Any) -> list[Any]:
    return list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []
