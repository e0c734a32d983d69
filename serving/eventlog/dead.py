"""Dead letters: events that a Trigger gave up are kept as they are, with why, for people to look at.

But rows and labels that nobody refused, for nobody answered, are no dead letters: they are only late.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import datetime

from contracts.cloudevent import CloudEvent
from contracts.errors import DataError
from contracts.eventlog import ROOT
from contracts.events import Label, Payload
from contracts.objects import ObjectStore
from serving.eventlog import stock

EXTENSIONS = ("knativeerrordest", "knativeerrorcode", "knativeerrordata")
LATE = frozenset({Payload.type(), Label.type(), *stock.OTHER})
"""What only the event log itself can have left unanswered."""
_RETRIED = (404, 408, 409, 429)
"""Of the 4xx; others are a no for good."""


def is_late(event: CloudEvent) -> bool:
    """Whether a dead letter is rows or labels that were given up without a no: the log was away for too long."""
    code = event.attributes.get("knativeerrorcode", "")
    is_refused = code.isdigit() and 400 <= int(code) < 500 and int(code) not in _RETRIED
    return _is_letter(event) and event["type"] in LATE and not is_refused


def original(event: CloudEvent) -> CloudEvent:
    """The event as it was before it was given up."""
    kept = {name: value for name, value in event.attributes.items() if name not in EXTENSIONS}
    return replace(event, attributes=kept)


def bury(store: ObjectStore, bucket: str, event: CloudEvent, now: datetime) -> str:
    """Store a dead letter, as a structured CloudEvent; its URI. The same one again on a day is the same object."""
    if not _is_letter(event):
        raise DataError(f"The event is no dead letter: it has none of {', '.join(EXTENSIONS)}.")
    identity = "\n".join((event["source"], event["id"], event.attributes.get(EXTENSIONS[0], "")))
    name = hashlib.sha256(identity.encode()).hexdigest()[:32]
    uri = f"s3://{bucket}/{ROOT}/dead/date={now:%Y-%m-%d}/{name}.json"
    _, body = event.to_structured()
    store.put(uri, body)
    return uri


def _is_letter(event: CloudEvent) -> bool:
    return any(name in event.attributes for name in EXTENSIONS)
