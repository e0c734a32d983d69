"""Conditions as Kubernetes objects carry them in their status."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from contracts.errors import DriftloopError
from pocket.controllers.client import Json

_WORDS = {True: "True", False: "False", None: "Unknown"}


class RefusedError(DriftloopError):
    """What an object asks for is not to be had here; `reason` is the condition's."""

    def __init__(self, reason: str, what: str, remedy: str = "") -> None:
        super().__init__(what, remedy)
        self.reason = reason


def condition(kind: str, holds: bool | None, reason: str = "", message: str = "") -> Json:
    """One condition; None is unknown. One that holds needs no reason."""
    told = {} if holds else {key: text for key, text in (("reason", reason), ("message", message)) if text}
    return {"type": kind, "status": _WORDS[holds], **told}


def both(kind: str, *parts: Json) -> Json:
    """What follows from others: false if one is, else unknown if one is, with the reason of that one."""
    for status in ("False", "Unknown"):
        for part in parts:
            if part["status"] == status:
                return {**part, "type": kind}
    return condition(kind, True)


def dated(new: Iterable[Json], old: Json) -> list[Json]:
    """The conditions by type, each with the time since which it has had its status."""
    before = {one["type"]: one for one in old.get("conditions", [])}
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    def since(one: Json) -> str:
        known = before.get(one["type"], {})
        return str(known["lastTransitionTime"]) if known.get("status") == one["status"] else now

    return [{"lastTransitionTime": since(one), **one} for one in sorted(new, key=lambda one: str(one["type"]))]
