"""What the loop decided: drift, retrain and rollout events are kept as they are, for people and for the console."""

from __future__ import annotations

from datetime import datetime

from contracts.cloudevent import CloudEvent
from contracts.eventlog import EventLog
from contracts.events import Drift, Retrain, Rollout, from_event
from contracts.objects import ObjectStore

TYPES = frozenset(kind.type() for kind in (Drift, Retrain, Rollout))


def keep(store: ObjectStore, bucket: str, event: CloudEvent, now: datetime) -> str:
    """Store an event of one of TYPES; its URI. DataError if its data is malformed."""
    data = from_event(event)
    told = event.attributes.get("time")
    uri = EventLog(store, bucket, data.loop).decision_uri(
        datetime.fromisoformat(told) if told else now, data.name, event["source"], event["id"]
    )
    _, body = event.to_structured()
    store.put(uri, body)
    return uri
