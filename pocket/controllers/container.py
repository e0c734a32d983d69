"""A container as a process of this machine: its command line and its environment."""

from __future__ import annotations

import base64
import os
import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pocket.controllers.client import Json
from pocket.controllers.conditions import RefusedError

Find = Callable[[str, str, str], Json | None]
"""A ConfigMap or a Secret by kind, namespace and name."""
MODELS = "/mnt/models"
_CHECKOUT = Path(__file__).resolve().parents[2]
_PYTHONS = {
    "ghcr.io/driftloop/driftloop": Path(sys.executable),
    "ghcr.io/driftloop/drift": _CHECKOUT / ".venv-drift" / "bin" / "python",
}
"""By image, without its tag, the interpreter of the environment it is made of."""
_REFERENCE = re.compile(r"\$\$|\$\(([A-Za-z_][A-Za-z0-9_.-]*)\)")
_KEPT = ("HOME", "LANG", "LC_ALL", "LOGNAME", "PYTHONWARNINGS", "TMPDIR", "TZ", "USER")
"""What a process needs of the machine's own environment; all else comes from its container."""


def command(container: Json, env: Mapping[str, str], models: Path) -> list[str]:
    """Its command and arguments. RefusedError for an image that no environment here stands for."""
    python = interpreter(container.get("image", ""))
    if not container.get("command"):
        raise RefusedError("CommandMissing", "The container has no command; an image's own is not known here.")
    words = [_placed(expanded(word, env), models) for word in [*container["command"], *container.get("args", [])]]
    return [str(python) if words[0] in ("python", "python3") else words[0], *words[1:]]


def interpreter(image: str) -> Path:
    """The Python of an image."""
    name = image.partition("@")[0]
    name = name.rpartition(":")[0] if ":" in name.rpartition("/")[2] else name
    python = _PYTHONS.get(name)
    if python is None:
        known = ", ".join(_PYTHONS)
        raise RefusedError("ImageNotSupported", f"The image {image!r} cannot run here.", f"There are {known}.")
    if not python.exists():
        raise RefusedError("ImagePullFailed", f"The environment of the image {image!r} is not there.", "make drift-env")
    return python


def environment(container: Json, namespace: str, own: Mapping[str, str], find: Find, models: Path) -> dict[str, str]:
    """The environment of its process; `own` is what the platform sets, and wins.

    RefusedError for a ConfigMap, a Secret or a key that is not there.
    """
    found: dict[str, str] = {}
    for source in container.get("envFrom", []):
        found |= _all_of(source, namespace, find)
    for entry in container.get("env", []):
        value = _value(entry, namespace, own, find)
        if value is not None:
            found[entry["name"]] = _placed(expanded(value, {**found, **own}), models)
    path = f"{interpreter(container.get('image', '')).parent}:{os.environ.get('PATH', os.defpath)}"
    machine = {name: os.environ[name] for name in _KEPT if name in os.environ}
    defaults = {"DRIFTLOOP_HOST": "127.0.0.1", "PYTHONSAFEPATH": "1", "PYTHONUNBUFFERED": "1"}
    return {**machine, "PATH": path, **defaults, **found, **own}


def expanded(text: str, env: Mapping[str, str]) -> str:
    """With $(NAME) replaced where it is known; $$ is one dollar."""

    def value(match: re.Match[str]) -> str:
        return "$" if match[0] == "$$" else env.get(match[1], match[0])

    return _REFERENCE.sub(value, text)


def _placed(text: str, models: Path) -> str:
    return re.sub(rf"{MODELS}(?![\w.-])", lambda _: str(models), text)


def _all_of(source: Json, namespace: str, find: Find) -> dict[str, str]:
    for field, kind in (("configMapRef", "ConfigMap"), ("secretRef", "Secret")):
        if reference := source.get(field):
            data = _data(kind, namespace, reference, find) or {}
            return {source.get("prefix", "") + key: text for key, text in data.items()}
    return {}


def _value(entry: Json, namespace: str, own: Mapping[str, str], find: Find) -> str | None:
    origin: dict[str, Any] = entry.get("valueFrom") or {}
    for field, kind in (("configMapKeyRef", "ConfigMap"), ("secretKeyRef", "Secret")):
        if reference := origin.get(field):
            data = _data(kind, namespace, reference, find)
            if data is not None and reference["key"] not in data and not reference.get("optional"):
                raise _absent(f"The key {reference['key']} of the {kind} {reference['name']}")
            return (data or {}).get(reference["key"])
    if reference := origin.get("fieldRef"):
        return _field(reference["fieldPath"], namespace, own)
    if origin:
        raise RefusedError("EnvNotSupported", f"env {entry['name']}: valueFrom {', '.join(origin)} is not supported.")
    return str(entry.get("value", ""))


def _field(path: str, namespace: str, own: Mapping[str, str]) -> str:
    known = {"metadata.namespace": namespace, "metadata.name": own["K_REVISION"], "status.podIP": "127.0.0.1"}
    if path not in known:
        raise RefusedError("EnvNotSupported", f"fieldRef {path} is not supported.", f"There are {', '.join(known)}.")
    return known[path]


def _data(kind: str, namespace: str, reference: Json, find: Find) -> dict[str, str] | None:
    found = find(kind, namespace, reference["name"])
    if found is None:
        if reference.get("optional"):
            return None
        raise _absent(f"The {kind} {reference['name']}")
    data: dict[str, str] = found.get("data") or {}
    return {key: base64.b64decode(text).decode() for key, text in data.items()} if kind == "Secret" else data


def _absent(what: str) -> RefusedError:
    return RefusedError("CreateContainerConfigError", f"{what} is not there.")
