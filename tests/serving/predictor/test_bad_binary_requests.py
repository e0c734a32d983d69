"""A client's mistake in V2 binary tensors is answered as such, whatever follows the JSON."""

from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np
import pytest
from predictor_process import Server, assert_refused

INFER = "/v2/models/flights/infer"
LENGTH = "Inference-Header-Content-Length"


@dataclass(frozen=True)
class Body:
    """A request of one tensor; its `length` header is right unless given."""

    raw: bytes = np.zeros(4, "<f4").tobytes()
    size: int = 16
    datatype: str = "FP32"
    shape: tuple[int, ...] = (1, 4)
    length: str | None = None


MISTAKES = {
    "length no number": (Body(length="many"), "is 'many'; expected at most the body's"),
    "endless length": (Body(length="9" * 5000), "expected at most the body's"),
    "negative length": (Body(length="-1"), "is '-1'; expected at most the body's"),
    "length too long": (Body(length="100000"), "is '100000'; expected at most the body's"),
    "length within the JSON": (Body(length="10"), "not JSON"),
    "fewer bytes": (Body(b"\0" * 8), "8 bytes; expected 16"),
    "more bytes": (Body(b"\0" * 20), "20 bytes follow the JSON; the inputs' binary_data_size add up to 16"),
    "size of another shape": (Body(b"\0" * 8, 8), "8 bytes; expected 16 for FP32 [1, 4]"),
    "negative size": (Body(size=-16), "binary_data_size -16; expected at least 0"),
    "infinity": (Body(np.array([np.inf, 0, 0, 0]).tobytes(), 32, "FP64"), "Feature 'distance' is inf in row 0"),
    "text cut short": (Body(b"\x09\0\0\0AA", 6, "BYTES", (1,)), "announces a text of 9 bytes"),
    "text length cut short": (Body(b"\x09\0", 2, "BYTES", (1,)), "ends within a length"),
    "fewer texts": (Body(b"\x01\0\0\0A", 5, "BYTES", (2,)), "1 values; its shape [2] expects 2"),
}


@pytest.mark.parametrize(("body", "message"), MISTAKES.values(), ids=MISTAKES)
def test_mistake(sturdy_server: Server, body: Body, message: str) -> None:
    """400, in the protocol's shape."""
    entry = {"name": "m", "shape": body.shape, "datatype": body.datatype, "parameters": {"binary_data_size": body.size}}
    head = json.dumps({"inputs": [entry]}).encode()
    headers = {LENGTH: body.length or str(len(head)), "Content-Type": "application/octet-stream"}
    assert_refused(sturdy_server.post(INFER, head + body.raw, headers), 400, message)


def test_binary_without_its_header(sturdy_server: Server) -> None:
    """A size without the header means bytes that are not there."""
    entry = {"name": "m", "shape": [1, 4], "datatype": "FP32", "parameters": {"binary_data_size": 16}}
    assert_refused(sturdy_server.post(INFER, {"inputs": [entry]}), 400, "Input 'm' has 0 bytes; expected 16")
