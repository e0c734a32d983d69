"""A stream of what happens to the objects of a kind, one JSON object a line."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from pocket.kubernetes.kinds import Kind
from pocket.kubernetes.selectors import Test
from pocket.kubernetes.status_error import Json, StatusError
from pocket.kubernetes.store import Store

DEFAULT_SECONDS = 1800.0
_INITIAL_END = {"annotations": {"k8s.io/initial-events-end": "true"}}


@dataclass(frozen=True)
class Watch:
    """What is watched, and how it is shown."""

    kind: Kind
    namespace: str | None
    is_meant: Test
    version: int | None
    """After which changes are told; None: first what there is, then every change."""
    bookmark: bool
    """Whether the end of what there was is told."""
    seconds: float
    show: Callable[[Json], Json]


async def lines(store: Store, watch: Watch) -> AsyncIterator[bytes]:
    """Events until the time is over; an ERROR event if the watcher has fallen too far behind."""
    version = store.version if watch.version is None else watch.version
    if watch.version is None:
        for obj in filter(watch.is_meant, store.all(watch.kind, watch.namespace)):
            yield _line("ADDED", watch.show(obj))
    if watch.bookmark:
        yield _line("BOOKMARK", _bookmark(watch.kind, version))
    deadline = time.monotonic() + watch.seconds
    while (left := deadline - time.monotonic()) > 0:
        try:
            changes = store.changes(version, watch.kind, watch.namespace)
        except StatusError as error:
            yield _line("ERROR", error.status())
            return
        version = store.version  # before a line is sent: meanwhile there may be more
        for _, before, after in changes:
            if happened := _event(watch.is_meant, before, after):
                yield _line(happened[0], watch.show(happened[1]))
        await store.wait(version, left)


def _event(is_meant: Test, before: Json | None, after: Json | None) -> tuple[str, Json] | None:
    """What a watcher with a selector sees: an object that begins or ceases to match comes or goes."""
    was, now = before is not None and is_meant(before), after is not None and is_meant(after)
    if now and after:
        return ("MODIFIED" if was else "ADDED"), after
    if was and before:
        newest = (after or before)["metadata"]["resourceVersion"]
        return "DELETED", {**before, "metadata": {**before["metadata"], "resourceVersion": newest}}
    return None


def _bookmark(kind: Kind, version: int) -> Json:
    return {
        "apiVersion": kind.api_version,
        "kind": kind.name,
        "metadata": {"resourceVersion": str(version), **_INITIAL_END},
    }


def _line(event: str, obj: Json) -> bytes:
    return json.dumps({"type": event, "object": obj}, separators=(",", ":")).encode() + b"\n"
