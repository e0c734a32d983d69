"""Changes to a tree of lists and dicts, and to bytes."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from random import Random
from typing import Any

Nasty = Callable[[Random], Any]
_BYTES = (b"\0", b"\xff", b"\xc3", b"\xed\xa0\x80", b"\r\n", b'"', b"{", b"]", b",", b"9" * 20, b"\xf0\x9f")


def mutated(tree: Any, random: Random, nasty: Nasty) -> Any:
    """A copy with none to four changes somewhere inside."""
    root = [deepcopy(tree)]
    for _ in range(random.choice((0, 0, 0, 1, 1, 1, 2, 4))):
        _change(root, random, nasty)
    return root[0] if root else None


def damaged(data: bytes, random: Random) -> bytes:
    """One change to bytes."""
    at, end = sorted((random.randint(0, len(data)), random.randint(0, len(data))))
    end = min(end, at + random.choice((1, 4, 100)))
    return random.choice(
        (
            data[:at],
            data[at:],
            data[:at] + data[end:],
            data[:end] + data[at:end] + data[end:],
            data[:at] + random.choice(_BYTES) + data[at:],
            data[:at] + random.randbytes(end - at) + data[end:],
        )
    )


def _change(root: list[Any], random: Random, nasty: Nasty) -> None:
    holder, key = _place(root, random)
    if key is None:
        return
    value, what = holder[key], random.random()
    if what < 0.5:
        holder[key] = nasty(random)
    elif what < 0.6 and holder is not root:
        del holder[key]
    elif what < 0.7:
        holder[key] = random.choice(
            ([value], {"name": value}, str(value)[:50], [deepcopy(value) for _ in range(random.choice((2, 50)))])
        )
    elif isinstance(holder, list):
        holder.insert(random.randint(0, len(holder)), deepcopy(value))
        if what < 0.8:
            random.shuffle(holder)
    elif isinstance(holder, dict):
        holder[random.choice((str(key).upper(), f"{key}s", "", "data", "shape", "parameters"))] = deepcopy(value)


def _place(root: list[Any], random: Random) -> tuple[Any, Any]:
    """A holder and a key in it. Every level is as likely as those beneath it."""
    holder: Any = root
    while True:
        keys = list(holder) if isinstance(holder, dict) else range(len(holder))
        if not keys:
            return holder, None
        key = random.choice(keys)
        inner = holder[key]
        if not isinstance(inner, (list, dict)) or not inner or random.random() < 0.25:
            return holder, key
        holder = inner
