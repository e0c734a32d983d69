"""The drift events of a loop so far, and what was decided about each, as objects on S3."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta

from contracts.events import Drift, Retrain
from contracts.objects import ObjectStore
from serving.trigger.shelf import Shelf

HORIZON = timedelta(days=366)
"""Older drift events are not looked at, counted in event time from the one that is decided on."""
MOST = 2_000
"""Nor are more than so many, of which the newest count."""


class History:
    """Both kinds of objects, named by event time and event, so that a redelivery finds what is there."""

    def __init__(self, store: ObjectStore, bucket: str, loop: str) -> None:
        self._drifts = Shelf(store, f"s3://{bucket}/trigger/{loop}/drift")
        self._decisions = Shelf(store, f"s3://{bucket}/trigger/{loop}/decisions")

    def record(self, identity: str, drift: Drift) -> None:
        """Remember a drift event."""
        self._drifts.put(_name(identity, drift), brief(drift).model_dump_json().encode())

    def until(self, drift: Drift) -> list[Drift]:
        """The events whose windows end no later than this one's, itself among them, in event-time order."""
        names = self._drifts.names(after=_stamp(drift.end - HORIZON))
        past = [name for name in names if name <= _stamp(drift.end) + "~"]
        return [Drift.model_validate_json(self._drifts.get(name)) for name in past[-MOST:]]

    def decision(self, identity: str, drift: Drift) -> Retrain | None:
        """What was decided about an event, or None."""
        found = self._decisions.find(_name(identity, drift))
        return None if found is None else Retrain.model_validate_json(found)

    def decide(self, identity: str, drift: Drift, decision: Retrain) -> Retrain:
        """Remember a decision; what holds is the one remembered first."""
        name = _name(identity, drift)
        self._decisions.add(name, decision.model_dump_json().encode())
        return Retrain.model_validate_json(self._decisions.get(name))


def brief(drift: Drift) -> Drift:
    """An event without its evidence: as the policy sees it."""
    return drift.model_copy(update={"features": (), "scores": ()})


def _name(identity: str, drift: Drift) -> str:
    """Sorts by the window's end; of one window, what was found without labels comes first."""
    digest = hashlib.sha256(identity.encode()).hexdigest()[:24]
    return f"{_stamp(drift.end)}-{int(drift.performance is not None)}-{digest}.json"


def _stamp(time: datetime) -> str:
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H%M%S.%f")
