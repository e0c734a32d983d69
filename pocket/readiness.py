"""Whether the loop's Knative Services are ready, and why not."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from contracts.errors import UnavailableError
from pocket.environment import NAMESPACE
from pocket.kubernetes import client
from pocket.kubernetes.status_error import Json
from pocket.progress import Progress, Step

READY_SECONDS = 180.0
FAILED_SECONDS = 15.0
"""How long one may have failed without being given up: most that fail once do not the second time."""
POLL_SECONDS = 0.2


def wait_until_ready(home: Path, on_progress: Progress) -> None:
    """Wait until every Knative Service is ready. UnavailableError names those that are not, and why."""
    started = time.monotonic()
    wait = Wait(on_progress)
    while waiting := wait.look(services(home)):
        now = time.monotonic()
        if now - started > READY_SECONDS or wait.failed_seconds(now) > FAILED_SECONDS:
            reasons = "; ".join(f"{found['metadata']['name']}: {reason(found)}" for found in waiting)
            raise UnavailableError(
                f"Not ready after {now - started:.0f} s: {reasons}",
                f"\nLogs are in {home / 'logs'}. What runs goes on; `driftloop up` looks again.",
            )
        time.sleep(POLL_SECONDS)


class Wait:
    """What has been seen of services so far, and told once."""

    def __init__(self, on_progress: Progress) -> None:
        self._on_progress = on_progress
        self._told: set[tuple[str, str]] = set()
        self._failed: dict[str, float] = {}

    def look(self, found: Sequence[Json]) -> list[Json]:
        """Those that are not ready yet."""
        waiting = [each for each in found if not is_ready(each)]
        for each in found:
            name, ready = each["metadata"]["name"], each not in waiting
            if ready:
                self._tell(name, f"ready at {each['status'].get('url')}", done=True)
            elif has_failed(each):
                self._tell(name, f"not ready: {reason(each)}")
            if ready or not has_failed(each):
                self._failed.pop(name, None)
            else:
                self._failed.setdefault(name, time.monotonic())
        return waiting

    def failed_seconds(self, now: float) -> float:
        """For how long one has failed without a break, at most."""
        return max((now - since for since in self._failed.values()), default=0.0)

    def _tell(self, name: str, what: str, done: bool = False) -> None:
        if (name, what) not in self._told:
            self._told.add((name, what))
            self._on_progress(Step(name, what, done))


def services(home: Path) -> list[Json]:
    """The loop's Knative Services as they stand."""
    found = client.find(home, f"/apis/serving.knative.dev/v1/namespaces/{NAMESPACE}/services") or {}
    return list(found.get("items", []))


def is_ready(found: Json) -> bool:
    """Whether an object's status, and not that of an older generation, says so."""
    return _is_current(found) and _ready(found).get("status") == "True"


def has_failed(found: Json) -> bool:
    """Whether its status says that it is not ready, which is more than not saying that it is."""
    return _is_current(found) and _ready(found).get("status") == "False"


def reason(found: Json) -> str:
    """Why an object is not ready, in words."""
    told = _ready(found)
    return str(told.get("message") or told.get("reason") or "its status says nothing yet")


def _is_current(found: Json) -> bool:
    now = found["metadata"]["generation"]
    return bool(found.get("status", {}).get("observedGeneration", now) == now)


def _ready(found: Json) -> Json:
    conditions: Sequence[Json] = found.get("status", {}).get("conditions", [])
    return next((each for each in conditions if each["type"] == "Ready"), {})
