"""CloudEvents in HTTP: both modes, held against the SDK that others use, and everything that is refused."""

from __future__ import annotations

import json

import pytest
from cloudevents.conversion import to_binary, to_structured
from cloudevents.http import CloudEvent as SdkEvent
from cloudevents.http import from_http
from hypothesis import given
from hypothesis import strategies as st

from contracts.cloudevent import MAX_ATTRIBUTES, MAX_EVENT_BYTES, STRUCTURED, CloudEvent, TooLargeError, decode
from contracts.errors import DataError

LEAST = {"id": "1", "source": "/a", "type": "t"}
LEAST_HEADERS = {"ce-specversion": "1.0", "ce-id": "1", "ce-source": "/a", "ce-type": "t"}
TEXT = st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=40)


@given(
    TEXT, st.binary(max_size=200), st.sampled_from(["application/octet-stream", "text/plain; charset=latin-1", None])
)
def test_any_bytes_come_back_from_binary_mode(text: str, data: bytes, content_type: str | None) -> None:
    """Attributes of any letters and data of any bytes are the same afterwards, and the headers are ASCII."""
    event = CloudEvent({**LEAST, "subject": text}, data, content_type)
    headers, body = event.to_binary()
    assert all(value.isascii() and value.isprintable() for value in headers.values())
    assert decode(headers, body) == event


@given(TEXT, st.binary(min_size=1, max_size=200))
def test_any_bytes_come_back_from_structured_mode(text: str, data: bytes) -> None:
    """What is no JSON stands in the JSON as base64."""
    event = CloudEvent({**LEAST, "subject": text}, data, "application/octet-stream")
    assert decode(*event.to_structured()) == event


@pytest.mark.parametrize("data", [b'{"a":[1,2.5,null,"\xc3\xa9"]}', b"[]", b'"text"', b"0"])
def test_json_data_is_json_in_structured_mode(data: bytes) -> None:
    """It is not hidden in base64, and means the same afterwards."""
    headers, body = CloudEvent(LEAST, data, "application/json").to_structured()
    assert json.loads(body)["data"] == json.loads(data)
    assert json.loads(decode(headers, body).data) == json.loads(data)


def test_the_sdk_reads_what_is_written() -> None:
    """Both modes."""
    event = CloudEvent({**LEAST, "time": "2013-03-01T12:00:00Z", "loop": "flights"}, b'{"a":1}', "application/json")
    for headers, body in (event.to_binary(), event.to_structured()):
        found = from_http(headers, body)
        assert found.get_data() == {"a": 1}
        assert [found[name] for name in ("id", "source", "type", "time", "loop")] == list(event.attributes.values())


def test_what_the_sdk_writes_is_read() -> None:
    """Both modes, with JSON and with bytes."""
    given_attributes = {**LEAST, "time": "2013-03-01T12:00:00Z", "datacontenttype": "application/json"}
    for headers, body in (write(SdkEvent(given_attributes, {"a": 1})) for write in (to_binary, to_structured)):
        found = decode({name.lower(): value for name, value in headers.items()}, body)
        assert (found["time"], json.loads(found.data)) == ("2013-03-01T12:00:00Z", {"a": 1})
    headers, body = to_structured(SdkEvent({**LEAST, "datacontenttype": "image/png"}, b"\x89PNG"))
    assert decode(headers, body).data == b"\x89PNG"


def test_structured_data_without_a_type_is_json() -> None:
    """As the JSON format says; numbers and booleans of extensions become their text."""
    body = {"specversion": "1.0", **LEAST, "data": {"a": 1}, "count": 3, "dry": True, "subject": None}
    found = decode({"content-type": STRUCTURED + "; charset=utf-8"}, json.dumps(body).encode())
    assert (found.content_type, json.loads(found.data)) == ("application/json", {"a": 1})
    assert (found["count"], found["dry"], "subject" in found.attributes) == ("3", "true", False)


@pytest.mark.parametrize(
    ("headers", "why"),
    [
        ({}, "holds no CloudEvent"),
        ({**LEAST_HEADERS, "ce-id": ""}, "no attribute 'id'"),
        ({name: value for name, value in LEAST_HEADERS.items() if name != "ce-type"}, "no attribute 'type'"),
        ({**LEAST_HEADERS, "ce-specversion": "0.3"}, "specversion is '0.3'"),
        ({name: value for name, value in LEAST_HEADERS.items() if name != "ce-specversion"}, "specversion is None"),
        ({**LEAST_HEADERS, "ce-time": "yesterday"}, "Attribute 'time' is 'yesterday'"),
        ({**LEAST_HEADERS, "ce-a_b": "1"}, "'a_b' is not a name"),
        ({**LEAST_HEADERS, "ce-data": "1"}, "'data' is not a name"),
        ({**LEAST_HEADERS, "ce-subject": "%ff"}, "not UTF-8"),
        ({**LEAST_HEADERS, "ce-subject": "%0A"}, "no attribute may hold"),
        ({**LEAST_HEADERS, "ce-subject": "\udcff"}, "no attribute may hold"),
        ({**LEAST_HEADERS, "content-type": "application/json"}, "not JSON"),
        ({"content-type": "application/cloudevents-batch+json"}, "not taken"),
    ],
)
def test_bad_binary_events_are_refused(headers: dict[str, str], why: str) -> None:
    """The error names the attribute."""
    with pytest.raises(DataError, match=why):
        decode(headers, b"{")


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("{", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("[]", "JSON list"),
        ('{"specversion": "1.0"}', "no attribute 'id'"),
        ('{"specversion": 1.0}', "specversion is 1.0"),
        ('{"specversion": "1.0", "id": "1", "source": "a", "type": "t", "x": [1]}', "Attribute 'x'"),
        ('{"specversion": "1.0", "id": "1", "source": "a", "type": "t", "x": "\\ud800"}', "no attribute may hold"),
        ('{"specversion": "1.0", "id": "1", "source": "a", "type": "t", "data": NaN}', "NaN"),
        ('{"specversion": "1.0", "id": "1", "source": "a", "type": "t", "data_base64": "!"}', "not base64"),
        ('{"specversion": "1.0", "id": "1", "source": "a", "type": "t", "data_base64": "", "data": 1}', "both data"),
        ('{"specversion": "1.0", "id": "1", "source": "a", "type": "t", "datacontenttype": 1}', "not a string"),
        ('{"specversion": "1.0", "id": "1", "source": "a", "type": "t", "datacontenttype": "é"}', "not ASCII"),
    ],
)
def test_bad_structured_events_are_refused(body: str, why: str) -> None:
    """The error names the field."""
    with pytest.raises(DataError, match=why):
        decode({"content-type": STRUCTURED}, body.encode())


def test_what_is_too_large_is_refused() -> None:
    """Data, an attribute, the number of attributes: each with its bound in the error."""
    CloudEvent(LEAST, b"x" * MAX_EVENT_BYTES)
    with pytest.raises(TooLargeError, match=str(MAX_EVENT_BYTES)):
        CloudEvent(LEAST, b"x" * (MAX_EVENT_BYTES + 1))
    with pytest.raises(TooLargeError, match="'subject' is longer"):
        CloudEvent({**LEAST, "subject": "é" * 1000})
    with pytest.raises(TooLargeError, match=f"at most {MAX_ATTRIBUTES}"):
        CloudEvent({**LEAST, **{f"x{number}": "1" for number in range(MAX_ATTRIBUTES)}})
