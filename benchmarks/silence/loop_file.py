"""A loop's specification as the TOML file that every service reads."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from contracts.errors import disk_room
from contracts.loop import LoopSpec


def write_loop(spec: LoopSpec, folder: Path) -> Path:
    """Write `<loop>.toml` into a new folder; the folder."""
    body = spec.model_dump(mode="json", exclude={"name"}, exclude_none=True)
    with disk_room(folder):
        folder.mkdir(parents=True)
        (folder / f"{spec.name}.toml").write_text("\n".join(_lines("", body)) + "\n")
    return folder


def _lines(name: str, table: Mapping[str, Any]) -> Iterator[str]:
    """Values before the tables below them, as TOML wants it. Its scalars and lists are written as JSON's are."""
    if name:
        yield f"[{name}]"
    for key, value in table.items():
        if not isinstance(value, dict):
            yield f"{key} = {json.dumps(value)}"
    for key, value in table.items():
        if isinstance(value, dict):
            yield from _lines(f"{name}.{key}" if name else key, value)
