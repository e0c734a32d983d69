"""Dead letters: events that a Trigger gave up are kept as they are, with why, for people to look at."""

from __future__ import annotations

import hashlib
from datetime import datetime

from contracts.cloudevent import CloudEvent
from contracts.errors import DataError
from contracts.eventlog import ROOT
from contracts.objects import ObjectStore

EXTENSIONS = ("knativeerrordest", "knativeerrorcode", "knativeerrordata")


def bury(store: ObjectStore, bucket: str, event: CloudEvent, now: datetime) -> str:
    """Store a dead letter, as a structured CloudEvent; its URI. The same one again on a day is the same object."""
    if not any(name in event.attributes for name in EXTENSIONS):
        raise DataError(f"The event is no dead letter: it has none of {', '.join(EXTENSIONS)}.")
    identity = "\n".join((event["source"], event["id"], event.attributes.get(EXTENSIONS[0], "")))
    name = hashlib.sha256(identity.encode()).hexdigest()[:32]
    uri = f"s3://{bucket}/{ROOT}/dead/date={now:%Y-%m-%d}/{name}.json"
    _, body = event.to_structured()
    store.put(uri, body)
    return uri
