"""HTTP requests with a good head and a body that may be anything: V1, V2 in JSON, and V2 in binary."""

from __future__ import annotations

import struct
from random import Random
from typing import Any

from fuzzing.model import CATEGORIES, MAX_BODY_BYTES, MAX_ROWS, NAME, NAMES, ROW
from fuzzing.mutation import damaged, mutated
from fuzzing.values import nasty, written

PREDICT, INFER = f"/v1/models/{NAME}:predict", f"/v2/models/{NAME}/infer"
DATATYPES = (
    *("FP32", "FP64", "FP16", "BOOL", "INT8", "INT16", "INT32", "INT64", "UINT8", "UINT16", "UINT32", "UINT64"),
    *("BYTES", "BF16", "fp32"),
)
_FORMATS = {"FP32": "f", "FP64": "d", "BOOL": "?", "INT8": "b", "INT16": "h", "INT32": "i", "INT64": "q"}
_SHAPES = ([0], [], [-1], [1, 1], [4, 1], [1, 4], [2, 2], [2**62, 4], [2**32, 2**32], [-1, -4], [0, 4], [MAX_ROWS + 1])
_LENGTHS = (
    "",
    "-1",
    "0",
    "1",
    "+5",
    " 7",
    "1_0",
    "0x10",
    "1e2",
    "\xb2",
    "9" * 30,
    "9" * 5000,
    "99999",
    "a",
    "5, 5",
    "\xa07",
)
_IDS = ("trace-1", "\xe9", "a" * 2000, "", "%00", "{}", '"', "a\tb")


def post(path: str, body: bytes, headers: dict[str, str]) -> bytes:
    """The bytes of a request. Of a body that grew far too large, the server would read no more than a part."""
    body = body[: 3 * MAX_BODY_BYTES]
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"POST {path} HTTP/1.1\r\nhost: a\r\n{lines}content-length: {len(body)}\r\n\r\n".encode("latin-1") + body


def v1(random: Random) -> bytes:
    """A V1 request."""
    instances = [_row(random) for _ in range(random.choice((1, 1, 2, 3, 40)))]
    return post(PREDICT, _json({"instances": instances}, random), _around(random))


def v2(random: Random) -> bytes:
    """A V2 request in JSON."""
    inputs = _matrix(random) if random.random() < 0.4 else _columns(random)
    return post(INFER, _json(_request(inputs, random), random), _around(random))


def binary(random: Random) -> bytes:
    """A V2 request with tensors after the JSON."""
    inputs, tail = _matrix(random) if random.random() < 0.5 else _columns(random), b""
    for tensor in inputs:
        if random.random() < 0.9:
            content = _packed(tensor["datatype"], tensor.pop("data"), random)
            tensor["parameters"] = {"binary_data_size": len(content) + random.choice((0,) * 60 + (-1, 1, 4, 2**40))}
            tail += content
    head = written(mutated(_request(inputs, random), random, _nasty), random)
    length = str(len(head) + random.choice((0,) * 40 + (-1, 1, 5, len(tail), len(tail) + 1)))
    if random.random() < 0.08:
        length = random.choice(_LENGTHS)
    body = head + (damaged(tail, random) if random.random() < 0.2 else tail)
    return post(INFER, body, {"inference-header-content-length": length} | _around(random))


def good() -> list[bytes]:
    """One of each kind that is right: what they are answered must not change."""
    random = Random(0)  # noqa: S311 - not for secrets
    column = [
        {"name": n, "datatype": "BYTES" if n == "carrier" else "FP32", "shape": [1], "data": [v]} for n, v in _told()
    ]
    head = written({"inputs": [{**_tensor("m", [1, 4]), "parameters": {"binary_data_size": 16}}]}, random)
    return [
        post(PREDICT, written({"instances": [dict(_told())]}, random), {}),
        post(INFER, written({"id": "1", "inputs": column}, random), {}),
        post(INFER, head + struct.pack("<4f", 812.5, 17, 1, 0), {"inference-header-content-length": str(len(head))}),
    ]


def _told() -> list[tuple[str, Any]]:
    return list(zip(NAMES, ROW, strict=True))


def _tensor(name: str, shape: list[int]) -> dict[str, Any]:
    return {"name": name, "datatype": "FP32", "shape": shape}


def _row(random: Random) -> Any:
    if random.random() < 0.3:
        return [random.choice((None, 1, 2.5)), 7, random.choice((None, 0, 1, 2)), 0]
    row: dict[str, Any] = dict(_told())
    if random.random() < 0.3:
        row |= {"row_id": random.choice("ab"), "event_timestamp": "2013-03-01T12:00:00Z"}
    return row


def _request(inputs: list[dict[str, Any]], random: Random) -> dict[str, Any]:
    request: dict[str, Any] = {"inputs": inputs}
    if random.random() < 0.4:
        names = random.choice((["label"], ["probabilities"], ["label", "probabilities"], ["label", "label"], ["score"]))
        request["outputs"] = [{"name": n, "parameters": {"binary_data": random.random() < 0.3}} for n in names]
    if random.random() < 0.3:
        request |= {"id": "x", "parameters": {"binary_data_output": random.random() < 0.5}}
    return request


def _matrix(random: Random) -> list[dict[str, Any]]:
    rows = random.choice((1, 1, 2, 8, 64, MAX_ROWS + 1))
    data: Any = [[random.choice((None, 1.5, 300)), 7, random.choice((0, 1, 2)), 0] for _ in range(rows)]
    if random.random() < 0.6:
        data = [value for row in data for value in row]
    tensor = {**_tensor("m", [rows, 4]), "data": data, "datatype": random.choice(("FP32", "FP64"))}
    return [_askew(tensor, random)]


def _columns(random: Random) -> list[dict[str, Any]]:
    rows = random.choice((1, 1, 1, 3, 20))
    values: dict[str, list[Any]] = {name: [value] * rows for name, value in _told()}
    values["carrier"] = [random.choice((*CATEGORIES, "other")) for _ in range(rows)]
    if random.random() < 0.2:
        values |= {"row_id": [str(n) for n in range(rows)], "event_timestamp": ["2013-03-01T12:00:00Z"] * rows}
    return [
        _askew({**_tensor(name, [rows]), "datatype": "FP64" if name in NAMES[:2] else "BOOL", "data": data}, random)
        if name in NAMES and name != "carrier"
        else _askew({**_tensor(name, [rows, 1]), "datatype": "BYTES", "data": data}, random)
        for name, data in values.items()
    ]


def _askew(tensor: dict[str, Any], random: Random) -> dict[str, Any]:
    if random.random() < 0.05:
        tensor["datatype"] = random.choice(DATATYPES)
    if random.random() < 0.05:
        tensor["shape"] = list(random.choice(_SHAPES))
    return tensor


def _nasty(random: Random) -> Any:
    what = random.random()
    return list(random.choice(_SHAPES)) if what < 0.15 else random.choice(DATATYPES) if what < 0.25 else nasty(random)


def _json(request: Any, random: Random) -> bytes:
    body = written(mutated(request, random, _nasty), random)
    return damaged(body, random) if random.random() < 0.15 else body


def _packed(datatype: str, data: Any, random: Random) -> bytes:
    flat = [value for row in data for value in (row if isinstance(row, list) else [row])]
    if datatype == "BYTES":
        texts = [str(value).encode() for value in flat]
        return b"".join(struct.pack("<I", len(t) + random.choice((0,) * 60 + (1, 2**31))) + t for t in texts)
    wrong = random.choice((0, 0, 0, 0, float("nan"), float("inf"), -1e39)) if datatype in ("FP32", "FP64") else 0
    kind = _FORMATS.get(datatype)
    if kind is None:
        return random.randbytes(len(flat) * random.choice((1, 2, 4, 8)))
    numbers = [wrong if value is None else value for value in flat if not isinstance(value, str)]
    try:
        return struct.pack(f"<{len(numbers)}{kind}", *numbers)
    except (struct.error, OverflowError):
        return random.randbytes(len(flat) * struct.calcsize(kind))


def _around(random: Random) -> dict[str, str]:
    if random.random() > 0.15:
        return {"content-type": "application/json"}
    return random.choice(
        (
            {
                "content-type": random.choice(
                    ("text/plain", "application/octet-stream", "application/cloudevents+json", "")
                )
            },
            {"content-encoding": random.choice(("gzip", "identity", "br", ""))},
            {"x-request-id": random.choice(_IDS)},
            {"inference-header-content-length": random.choice(_LENGTHS)},
            {"ce-id": random.choice(_IDS), "traceparent": random.choice(_IDS)},
        )
    )
