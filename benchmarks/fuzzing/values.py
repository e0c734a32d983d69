"""JSON that is wrong in some way, and how it is written: not everything that can be sent can be made by a library."""

from __future__ import annotations

import json
from copy import deepcopy
from dataclasses import dataclass
from random import Random
from typing import Any


@dataclass(frozen=True)
class Raw:
    """Bytes that stand in the body as they are."""

    text: bytes


NUMBERS: tuple[Any, ...] = (
    *(0, -1, 1, 2, 3, 2**31, 2**53 + 1, 2**63, 2**64, -(2**63) - 1, 0.5, 1e-320, 3.5e38, 1e39, -1e308),
    *map(Raw, (b"1e999", b"-1e999", b"NaN", b"Infinity", b"-Infinity", b"nan", b"-0", b"-0.0", b"01", b"1.", b"-")),
    *map(Raw, (b"+1", b".5", b"1e", b"0x10", b"1_0", b"9" * 400, b"0." + b"3" * 400, b"1e-999", b"1E+2", b"2" * 5000)),
)
TEXTS: tuple[Any, ...] = (
    *("", "AA", "never seen", "\0", "\x7f", "\u00e9", "\U0001d11e", "a" * 3000, "1", "NaN", "__proto__", "2013-03-01"),
    *("2013-03-01T12:00:00Z", "9999-99-99T99:99:99Z", "0001-01-01T00:00:00+23:59", "distance", "label", "BYTES"),
    *map(Raw, (b'"\\ud800"', b'"\\udc00\\ud800"', b'"\xff\xfe"', b'"\xed\xa0\x80"', b'"\\u00"', b'"\\x"', b'"\x01"')),
    *map(Raw, (b'"', b'"\xc0\x80"', b'"\xf4\x90\x80\x80"', b"'AA'", b'"\\u0000"')),
)
OTHERS: tuple[Any, ...] = (
    *(None, True, False, [], {}, [[]], [None], {"": None}, {"a": {"a": {}}}, [[[[1]]]], {"binary_data_size": 4}),
    *map(Raw, (b"", b"undefined", b"[1,]", b"{,}", b'{"a"}', b"/* */1", b"[" * 500 + b"]" * 500, b"[" * 3000)),
    *map(Raw, (b'{"a":' * 1500 + b"1" + b"}" * 1500, b"[" + b"0," * 2000 + b"0]", b"nul", b"\xef\xbb\xbf1", b"\0")),
)


def nasty(random: Random) -> Any:
    """One of them, each group as often as the others."""
    return deepcopy(random.choice(random.choice((NUMBERS, TEXTS, OTHERS))))


def written(value: Any, random: Random) -> bytes:
    """The value as JSON, now and then with a key twice or with spaces."""
    if isinstance(value, Raw):
        return value.text
    if isinstance(value, dict):
        pairs = [written(key, random) + b":" + written(inner, random) for key, inner in value.items()]
        if pairs and random.random() < 0.02:
            pairs.insert(random.randrange(len(pairs)), random.choice(pairs))
        return b"{" + b",".join(pairs) + b"}"
    if isinstance(value, (list, tuple)):
        return b"[" + (b" , \n" if random.random() < 0.02 else b",").join(written(one, random) for one in value) + b"]"
    return json.dumps(value, ensure_ascii=random.random() < 0.5).encode("utf-8", "surrogatepass")
