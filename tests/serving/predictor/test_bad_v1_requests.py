"""A client's mistake in V1 is answered as such: what is wrong with which value, and what was expected."""

from __future__ import annotations

import http.client
import subprocess
from typing import Any

import pytest
from predictor_process import Server, assert_refused

PREDICT = "/v1/models/flights:predict"
ROW = {"distance": 1.5, "hour": 7, "carrier": "AA", "holiday": False}
MISTAKES: dict[str, tuple[Any, str]] = {
    "no instances": ({"rows": [ROW]}, "'instances' is None; expected a list of objects"),
    "instances no list": ({"instances": ROW}, "'instances' is {"),
    "empty batch": ({"instances": []}, "no rows"),
    "body no object": ([ROW], "expected a JSON object"),
    "instance no object": ({"instances": [7]}, "Instance 0 is 7"),
    "mixed instances": ({"instances": [ROW, [1, 2, 0, 0]]}, "mixed kinds"),
    "missing feature": ({"instances": [{"hour": 7}]}, "Feature 'distance' is missing from instance 0; expected"),
    "unknown feature": ({"instances": [ROW, ROW | {"wings": 2}]}, "Unknown feature 'wings' in instance 1; expected"),
    "text for a number": ({"instances": [ROW | {"hour": "7"}]}, "'hour' is '7' in row 0; expected a number"),
    "number for text": ({"instances": [ROW | {"carrier": 7}]}, "'carrier' is 7 in row 0; expected text, one of"),
    "object for a number": ({"instances": [ROW | {"hour": {"a": 1}}]}, "Feature 'hour' is {'a': 1} in row 0"),
    "number beyond FP32": (
        {"instances": [ROW | {"distance": 1e39}]},
        "'distance' is 1e+39 in row 0; expected a fin",
    ),
    "short list": ({"instances": [[1, 2, 0, 0], [1]]}, "Instance 1 has 1 values; expected 4"),
    "text in a list": ({"instances": [[1, 2, "AA", 0]]}, "Feature 'carrier' is 'AA' in row 0; expected a number"),
    "category that is none": ({"instances": [[1, 2, 3, 0]]}, "'carrier' is 3.0 in row 0; expected the position"),
    "NaN": (b'{"instances": [[NaN, 2, 0, 0]]}', "not JSON"),
    "Infinity": (b'{"instances": [[Infinity, 2, 0, 0]]}', "not JSON"),
    "number beyond FP64": (b'{"instances": [[1e999, 2, 0, 0]]}', "not JSON"),
    "invalid JSON": (b'{"instances": [', "not JSON"),
    "empty body": (b"", "not JSON"),
    "not UTF-8": (b'{"instances": "\xff"}', "not JSON"),
    "nested too deep": (b"[" * 100_000, "not JSON"),
    "value nested deep": (b'{"instances": [' + b"[" * 900 + b"]" * 900 + b"]}", "has 1 values; expected 4"),
}


@pytest.mark.parametrize(("body", "message"), MISTAKES.values(), ids=MISTAKES)
def test_mistake(sturdy_server: Server, body: Any, message: str) -> None:
    """400, in the protocol's shape."""
    assert_refused(sturdy_server.post(PREDICT, body), 400, message)


def test_too_many_rows(sturdy_server: Server) -> None:
    """More rows than the bound are refused with 413."""
    answer = sturdy_server.post(PREDICT, {"instances": [[1, 2, 0, 0]] * 1001})
    assert_refused(answer, 413, "1001 rows; expected at most 1000")


def test_large_body(sturdy_server: Server) -> None:
    """More bytes than the bound are refused with 413."""
    assert_refused(sturdy_server.post(PREDICT, b" " * 1_000_001), 413, "expected at most 1000000 bytes")


def test_endless_body(sturdy_server: Server) -> None:
    """A body that does not tell its length is refused when it passes the bound."""
    connection = http.client.HTTPConnection(sturdy_server.url.removeprefix("http://"), timeout=30)
    connection.request("POST", PREDICT, iter([b" " * 100_000] * 11), encode_chunked=True)
    answer = connection.getresponse()
    assert_refused((answer.status, answer.read(), answer.headers), 413, "expected at most 1000000 bytes")
    connection.close()


def test_curl_with_a_large_body(sturdy_server: Server) -> None:
    """curl asks before it sends a large body, and is refused before that."""
    line = ["curl", "-sS", "-w", "%{http_code} %{size_upload}", "-H", "Expect: 100-continue", "--data-binary", "@-"]
    done = subprocess.run([*line, sturdy_server.url + PREDICT], input=b" " * 2_000_000, capture_output=True, check=True)
    assert done.stdout.endswith(b"413 0")


def test_compressed_body(sturdy_server: Server) -> None:
    """A body in an encoding that is not read is refused as that."""
    answer = sturdy_server.post(PREDICT, b"\x1f\x8b", {"Content-Encoding": "gzip"})
    assert_refused(answer, 415, "Content-Encoding is 'gzip'; expected none")
