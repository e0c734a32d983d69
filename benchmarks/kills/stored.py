"""What the event log holds, read as anybody would read it."""

from __future__ import annotations

from base64 import b64decode
from collections import Counter
from dataclasses import dataclass

from contracts.cloudevent import STRUCTURED, CloudEvent, decode
from contracts.eventlog import ROOT, ROW_ID, EventLog, is_labelled, told_uri
from contracts.events import Drift, Retrain, Window, event_id, from_event

EVENTLOG = "/driftloop/eventlog"
"""Source of window events."""


@dataclass(frozen=True)
class Version:
    """What one version answered."""

    rows: list[str]
    """Row ids, as a reader is given them: each once."""
    objects_rows: int
    """Rows in all objects: more, if some were delivered twice."""
    numbers: list[int]
    """Of its windows."""
    labelled: int
    """Windows whose labels have come."""
    windowed: list[list[str]]
    """Row ids of each window."""
    untold: int
    """Windows, with or without labels, that nobody is known to have taken."""


@dataclass(frozen=True)
class Stored:
    """Everything of one loop."""

    versions: dict[str, Version]
    labels: set[str]
    windows: set[str]
    """Ids of the window events that were told."""
    judged: set[str]
    """Of those that a drift event is about."""
    drifts: set[str]
    """Ids of drift events."""
    decided: set[str]
    """Of those that a retrain event decides on."""
    dead: Counter[str]
    """Dead letters, by what they were and why."""

    @property
    def rows(self) -> list[str]:
        """Row ids of all versions together."""
        return [row for version in self.versions.values() for row in version.rows]

    @property
    def size(self) -> tuple[int, ...]:
        """Whether it still grows."""
        parts = (self.labels, self.windows, self.judged, self.drifts, self.decided)
        return len(self.rows), *map(len, parts), sum(self.dead.values())


def read(log: EventLog) -> Stored:
    """Read the whole log."""
    told = [uri for version in log.versions() for uri in log.listed(log.told_prefix(version))]
    decisions = [(event["id"], from_event(event)) for _, event in log.decisions()]
    drifts = {identity: data for identity, data in decisions if isinstance(data, Drift)}
    return Stored(
        {version: _version(log, version) for version in log.versions()},
        set(log.labels()[ROW_ID].to_pylist()),
        {event_id(EVENTLOG, Window.model_validate_json(log.store.get(uri))) for uri in told},
        {drift.window_id for drift in drifts.values()},
        set(drifts),
        {data.drift_id for _, data in decisions if isinstance(data, Retrain)},
        Counter(_why(letter) for letter in _dead(log)),
    )


def _version(log: EventLog, version: str) -> Version:
    uris = log.listed(log.windows_prefix(version))
    plain = [uri for uri in uris if not is_labelled(uri)]
    told = set(log.listed(log.told_prefix(version)))
    objects = log.names(log.rows_prefix(version))
    return Version(
        log.rows(version, columns=[ROW_ID])[ROW_ID].to_pylist(),
        sum(log.read(uri, [ROW_ID]).num_rows for uri in objects),
        [int(uri.removesuffix(".parquet").rpartition("-")[2]) for uri in plain],
        len(uris) - len(plain),
        [log.read(uri, [ROW_ID])[ROW_ID].to_pylist() for uri in plain],
        sum(told_uri(uri) not in told for uri in uris),
    )


def _dead(log: EventLog) -> list[CloudEvent]:
    uris = log.listed(f"s3://{log.bucket}/{ROOT}/dead/")
    return [decode({"content-type": STRUCTURED}, log.store.get(uri)) for uri in uris]


def _why(letter: CloudEvent) -> str:
    words = b64decode(letter.attributes.get("knativeerrordata", "")).decode(errors="replace")
    to, code = (letter.attributes.get(name, "?") for name in ("knativeerrordest", "knativeerrorcode"))
    return f"{letter['type']} to {to}: {code} {words[:150].strip()}"
