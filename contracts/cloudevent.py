"""A CloudEvent 1.0 and how it stands in HTTP: binary mode, with attributes as headers, and structured mode, as JSON.

Own code beside the `cloudevents` SDK, whose reader gives events a `time` they did not have, takes other versions of the
specification, and neither writes nor reads the escapes that other characters than ASCII need in headers.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NoReturn
from urllib.parse import quote, unquote

from contracts.errors import DataError

MAX_EVENT_BYTES = 1_000_000
"""Of an event's data, and of a whole HTTP body that holds one."""
MAX_ATTRIBUTES = 48
MAX_ATTRIBUTE_BYTES = 2048
"""Of one attribute as it stands in a header; servers refuse longer header lines than 8190."""
STRUCTURED = "application/cloudevents+json"

_REQUIRED = ("id", "source", "type")
_PLAIN = "".join(chr(code) for code in range(0x21, 0x7F) if chr(code) not in '"%')
"""What a header holds as it is; the rest is percent-encoded (HTTP binding, 3.1.3.2)."""
_AS_IT_IS = re.compile(f"[{re.escape(_PLAIN)}]*")
_NEVER = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_NAME = re.compile(r"[a-z0-9]+")
_RESERVED = ("specversion", "data", "datacontenttype", "data_base64")
_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)")


class TooLargeError(DataError):
    """An event is larger than any part of driftloop takes."""


@dataclass(frozen=True)
class CloudEvent:
    """One event. DataError, or TooLargeError, if it breaks CloudEvents 1.0 or a bound of this module."""

    attributes: Mapping[str, str]
    """`id`, `source`, `type`, and any other by its name, but `specversion`, which is 1.0, and `datacontenttype`."""
    data: bytes = field(default=b"", repr=False)
    content_type: str | None = None

    def __post_init__(self) -> None:
        for name in _REQUIRED:
            if not self.attributes.get(name):
                _refuse(f"The event has no attribute {name!r}.", "Give id, source and type, none of them empty.")
        if len(self.attributes) > MAX_ATTRIBUTES:
            raise TooLargeError(f"The event has {len(self.attributes)} attributes; at most {MAX_ATTRIBUTES} are taken.")
        for name, value in self.attributes.items():
            _check_name(name)
            _check_value(name, value)
        _check_value("datacontenttype", self.content_type or "")
        if not (self.content_type or "").isascii():
            _refuse(f"Attribute 'datacontenttype' is {self.content_type!r}, which is not ASCII.")
        if len(self.data) > MAX_EVENT_BYTES:
            raise TooLargeError(
                f"The event's data has {len(self.data)} bytes; at most {MAX_EVENT_BYTES} are taken.",
                "Send less at once, or a URI of what is stored elsewhere.",
            )

    def __getitem__(self, name: str) -> str:
        return self.attributes[name]

    def extended(self, **extensions: str) -> CloudEvent:
        """The same event with more attributes."""
        return replace(self, attributes={**self.attributes, **extensions})

    def to_binary(self) -> tuple[dict[str, str], bytes]:
        """Headers, their names in lower case, and body in binary mode."""
        headers = {"ce-specversion": "1.0"}
        headers |= {f"ce-{name}": _quoted(value) for name, value in self.attributes.items()}
        if self.content_type:
            headers["content-type"] = self.content_type
        return headers, self.data

    def to_structured(self) -> tuple[dict[str, str], bytes]:
        """Headers and body in structured mode. Data that says it is JSON stands in it as JSON, any other as base64."""
        body: dict[str, Any] = {"specversion": "1.0", **self.attributes}
        if self.content_type:
            body["datacontenttype"] = self.content_type
        if self.data and _is_json(self.content_type):
            body["data"] = _json(self.data, "the event's data")
        elif self.data:
            body["data_base64"] = base64.b64encode(self.data).decode()
        return {"content-type": STRUCTURED}, json.dumps(body, separators=(",", ":")).encode()


def is_event(headers: Mapping[str, str]) -> bool:
    """Whether an HTTP message says that it holds an event. Names of headers in lower case."""
    return "ce-specversion" in headers or _media_type(headers).startswith("application/cloudevents")


def decode(headers: Mapping[str, str], body: bytes) -> CloudEvent:
    """The event of an HTTP message, in either mode. Names of headers in lower case. DataError if it holds none."""
    if len(body) > MAX_EVENT_BYTES:
        raise TooLargeError(f"The body has {len(body)} bytes; at most {MAX_EVENT_BYTES} are taken.")
    media_type = _media_type(headers)
    if media_type == STRUCTURED:
        return _from_structured(body)
    if media_type.startswith("application/cloudevents"):
        _refuse(f"The content type {media_type} is not taken.", f"Send one event as {STRUCTURED}, or in binary mode.")
    return _from_binary(headers, body)


def _from_binary(headers: Mapping[str, str], body: bytes) -> CloudEvent:
    attributes = {name[3:]: _unquoted(name, value) for name, value in headers.items() if name.startswith("ce-")}
    if not attributes:
        _refuse(
            "The request holds no CloudEvent.", f"Send headers ce-id, ce-source, …, or a body of type {STRUCTURED}."
        )
    _check_version(attributes.pop("specversion", None))
    content_type = headers.get("content-type") or None
    if _is_json(content_type) and body:
        _json(body, "the body")
    return CloudEvent(attributes, body, content_type)


def _from_structured(body: bytes) -> CloudEvent:
    fields = _json(body, "the body")
    if not isinstance(fields, dict):
        _refuse(f"The body is a JSON {type(fields).__name__}, not the object of one event.")
    _check_version(fields.pop("specversion", None))
    data = _structured_data(fields)
    content_type = fields.pop("datacontenttype", None)
    if data and content_type is None:
        content_type = "application/json"
    if content_type is not None and not isinstance(content_type, str):
        _refuse(f"Attribute 'datacontenttype' is {content_type!r}, not a string.")
    return CloudEvent(
        {name: _text(name, value) for name, value in fields.items() if value is not None}, data, content_type
    )


def _structured_data(fields: dict[str, Any]) -> bytes:
    encoded, value = fields.pop("data_base64", None), fields.pop("data", None)
    if encoded is not None and value is not None:
        _refuse("The event has both data and data_base64.", "Send one of them.")
    if encoded is not None:
        try:
            return base64.b64decode(encoded, validate=True)
        except (binascii.Error, TypeError, ValueError):
            _refuse("data_base64 is not base64.")
    if value is None:
        return b""
    if isinstance(value, str) and not _is_json(fields.get("datacontenttype") or "application/json"):
        return value.encode(errors="replace")
    return json.dumps(value, separators=(",", ":")).encode()


def _check_version(found: object) -> None:
    if found != "1.0":
        _refuse(f"The event's specversion is {found!r}.", "Send CloudEvents 1.0: specversion '1.0'.")


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name) or name in _RESERVED:
        _refuse(f"{name!r} is not a name of an attribute.", "Use the letters a–z and digits, and no reserved name.")


def _check_value(name: str, value: str) -> None:
    if _NEVER.search(value):
        _refuse(f"Attribute {name!r} is {value!r}, which holds a character that no attribute may hold.")
    if len(_quoted(value)) > MAX_ATTRIBUTE_BYTES:
        raise TooLargeError(f"Attribute {name!r} is longer than {MAX_ATTRIBUTE_BYTES} bytes.", "Put it into the data.")
    if name == "time" and not _TIME.fullmatch(value):
        _refuse(f"Attribute 'time' is {value!r}.", "Write it as 2013-03-01T12:00:00Z.")


def _quoted(value: str) -> str:
    """As it stands in a header."""
    return value if _AS_IT_IS.fullmatch(value) else quote(value, safe=_PLAIN)


def _text(name: str, value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int):
        return str(value)
    return _refuse(f"Attribute {name!r} is {value!r}.", "Attributes are strings, whole numbers or booleans.")


def _unquoted(name: str, value: str) -> str:
    try:
        return unquote(value, errors="strict")
    except UnicodeDecodeError:
        return _refuse(f"Header {name} is {value!r}, whose escapes are not UTF-8.")


def _json(body: bytes, where: str) -> Any:
    try:
        return json.loads(body, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{where[0].upper()}{where[1:]} is not JSON: {error}.", "Send valid JSON.") from error


def _no_number(word: str) -> NoReturn:
    raise ValueError(f"{word} is no JSON number")


def _media_type(headers: Mapping[str, str]) -> str:
    return headers.get("content-type", "").partition(";")[0].strip().lower()


def _is_json(content_type: object) -> bool:
    media_type = str(content_type or "").partition(";")[0].strip().lower()
    return media_type.endswith(("/json", "+json"))


def _refuse(what: str, remedy: str = "") -> NoReturn:
    raise DataError(what, remedy)
