"""The event log on S3: where its objects are, and how they are read. pyarrow only: any environment can import it.

Objects of rows and labels are named after the wall clock of their storing, so what is new is found by listing. Delivery
is at least once: a row may be stored twice, and is given once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote, unquote

import pyarrow as pa
import pyarrow.compute as pc

from contracts import parquet
from contracts.cloudevent import STRUCTURED, CloudEvent, decode
from contracts.errors import DataError, IntegrityError
from contracts.objects import PAGE, ObjectStore

ROW_ID, EVENT_TIME, LABEL, LABEL_TIME = "row_id", "event_timestamp", "label", "event_time"
TIME = pa.timestamp("us", "UTC")
ROW_COLUMNS = pa.schema(
    {
        ROW_ID: pa.string(),
        EVENT_TIME: TIME,
        "model_version": pa.string(),
        "revision": pa.string(),
        "score": pa.float64(),
        "error": pa.string(),
        "seconds": pa.float64(),
        "event_id": pa.string(),
    }
)
"""What every row has beside its raw features. `score`: of the last class; null where `error` tells why."""
LABEL_COLUMNS = pa.schema({ROW_ID: pa.string(), LABEL: pa.string(), LABEL_TIME: TIME})
LABELLED = "-labelled"
_CLOCK = "%Y%m%dT%H%M%S%fZ"
_READERS = 8


@dataclass(frozen=True)
class StoredWindow:
    """One window: its rows stand at `uri`, de-duplicated, sorted by event time, without those that got an error."""

    name: str
    version: str
    uri: str
    start: datetime
    end: datetime
    """Not included."""
    rows: int
    labelled: int = 0
    """Rows that have a label; 0 of a window whose labels have not come."""

    def metadata(self) -> dict[str, str]:
        """As it stands beside the object."""
        start, end = self.start.isoformat(), self.end.isoformat()
        return {"start": start, "end": end, "rows": str(self.rows), "labelled": str(self.labelled)}


class EventLog:
    """The log of one loop."""

    def __init__(self, store: ObjectStore, bucket: str, loop: str) -> None:
        self.store, self.bucket, self.loop = store, bucket, loop
        self.root = f"s3://{bucket}/{ROOT}/{loop}"
        self.labels_prefix = f"{self.root}/labels/"
        self.decisions_prefix = f"{self.root}/decisions/"

    def rows_prefix(self, version: str) -> str:
        """Under which the rows of a version are, by date of the event."""
        return f"{self.root}/rows/version={quoted(version)}/"

    def windows_prefix(self, version: str) -> str:
        """Under which the windows of a version are."""
        return f"{self.root}/windows/version={quoted(version)}/"

    def told_prefix(self, version: str) -> str:
        """Under which the marks of windows that were told are."""
        return f"{self.root}/told/version={quoted(version)}/"

    def versions(self) -> list[str]:
        """Versions that have rows."""
        return [unquote(name.removeprefix("version=")) for name in self.store.folders(f"{self.root}/rows/")]

    def rows(self, version: str, since: datetime | None = None, columns: Sequence[str] | None = None) -> pa.Table:
        """Rows of a version, each once, in the order of their storing; see ROW_COLUMNS. `columns`: only these.

        `since` is a wall clock: only what was stored later. An object is named before it is there, so whoever asks
        again and again lets the spans overlap by some seconds. A feature that no object has is absent.
        """
        read = None if columns is None else list(dict.fromkeys([ROW_ID, *columns]))
        table = self._read(self.names(self.rows_prefix(version), since), ROW_COLUMNS, read)
        distinct = parquet.first_of_each(table, ROW_ID)
        return (
            distinct if columns is None else distinct.select([name for name in columns if name in table.schema.names])
        )

    def labels(self, since: datetime | None = None) -> pa.Table:
        """Labels, of each row the one that was known last; see LABEL_COLUMNS. `since` as for rows."""
        table = self._read(self.names(self.labels_prefix, since), LABEL_COLUMNS, None)
        stored = table.append_column("place", pa.array(range(table.num_rows), pa.int64()))
        newest_first = stored.sort_by([(LABEL_TIME, "descending"), ("place", "descending")]).drop_columns("place")
        return parquet.first_of_each(newest_first, ROW_ID)

    def windows(self, version: str) -> list[StoredWindow]:
        """Windows of a version in their order, one request each; `labelled` tells of those whose labels have come."""
        listed = self.listed(self.windows_prefix(version))
        labelled = {uri for uri in listed if is_labelled(uri)}
        best = [labelled_uri(uri) if labelled_uri(uri) in labelled else uri for uri in listed if uri not in labelled]
        with ThreadPoolExecutor(_READERS) as readers:
            return list(readers.map(self.window, best))

    def window(self, uri: str) -> StoredWindow:
        """The window at an address. DataError if there is none."""
        found = self.store.metadata(uri)
        if found is None:
            raise DataError(f"There is no window at {uri}.")
        folder, _, file = uri.rpartition("/")
        version = unquote(folder.rpartition("/version=")[2])
        try:
            span = datetime.fromisoformat(found["start"]), datetime.fromisoformat(found["end"])
            name = file.removesuffix(".parquet").removesuffix(LABELLED)
            return StoredWindow(name, version, uri, *span, int(found["rows"]), int(found["labelled"]))
        except (KeyError, ValueError) as error:
            raise IntegrityError(f"{uri} does not tell what window it is: {error}.") from error

    def decisions(self, after: str = "") -> list[tuple[str, CloudEvent]]:
        """Drift, retrain and rollout events with the URIs they stand at, each once, as they were told.

        `after`: only those that stand at later URIs; see `clock_name` for one of a time.
        """
        uris = [uri for uri in self.store.names(self.decisions_prefix) if uri > after]
        found, seen = [], set[str]()
        with ThreadPoolExecutor(_READERS) as readers:
            for uri, event in zip(uris, readers.map(self.decision, uris), strict=True):
                if (identity := f"{event['source']} {event['id']}") not in seen:
                    found.append((uri, event))
                    seen.add(identity)
        return found

    def decision(self, uri: str) -> CloudEvent:
        """The event that stands at a URI."""
        return decode({"content-type": STRUCTURED}, self.store.get(uri))

    def decision_uri(self, told: datetime, name: str, source: str, identity: str) -> str:
        """Where a decision stands. The same event again, told at the same time, is the same object."""
        digest = hashlib.sha256(f"{source}\n{identity}".encode()).hexdigest()[:32]
        return f"{self.decisions_prefix}{clock_name(told)}-{name}-{digest}.json"

    def listed(self, prefix: str) -> list[str]:
        """URIs of all objects under a prefix, sorted."""
        return list(self.store.names(prefix))

    def names(self, prefix: str, since: datetime | None = None) -> list[str]:
        """URIs of the objects of rows or labels that were named at `since` or later, in the order of their storing.

        A page of a listing that ends with an older object goes on at `since` in the same folder: the past of a
        folder costs one request at most.
        """
        least, found, after = clock_name(since) if since else "", [], ""
        while True:
            page = [listed.uri for listed in self.store.page(prefix, after)]
            found += [uri for uri in page if _file(uri) >= least]
            if len(page) < PAGE:
                return sorted(found, key=lambda uri: (_file(uri), uri))
            folder, _, last = page[-1].rpartition("/")
            after = page[-1] if last >= least else f"{folder}/{least}"

    def read(self, uri: str, columns: Sequence[str] | None = None) -> pa.Table:
        """The table of one object; of `columns` those that it has."""
        return parquet.from_bytes(self.store.get(uri), uri, columns)

    def _read(self, uris: Sequence[str], schema: pa.Schema, columns: list[str] | None) -> pa.Table:
        if columns is not None:
            schema = pa.schema([field for field in schema if field.name in columns])
        with ThreadPoolExecutor(_READERS) as readers:
            tables = list(readers.map(lambda uri: self.read(uri, columns), uris))
        return parquet.together([schema.empty_table(), *tables]).combine_chunks()


ROOT = "eventlog"


def quoted(version: str) -> str:
    """A version as a part of a key: without a slash or a space."""
    return quote(version, safe="")


def window_name(version: str, index: int) -> str:
    """The windows of a version sort by it, in their order."""
    return f"{quoted(version)}-{index:06d}"


def labelled_uri(uri: str) -> str:
    """Where the same window stands with its labels."""
    return f"{uri.removesuffix('.parquet')}{LABELLED}.parquet"


def is_labelled(uri: str) -> bool:
    """Whether a window's address is the one with labels."""
    return uri.endswith(f"{LABELLED}.parquet")


def told_uri(uri: str) -> str:
    """The object that says that a window was told."""
    return f"{uri.replace('/windows/version=', '/told/version=', 1).removesuffix('.parquet')}.json"


def clock_name(clock: datetime) -> str:
    """What the names of objects stored at a wall clock begin with."""
    return clock.astimezone(UTC).strftime(_CLOCK)


def clock_of(name: str) -> datetime:
    """The wall clock in an object's name."""
    return datetime.strptime(name.partition("-")[0], _CLOCK).replace(tzinfo=UTC)


def dates(times: pa.Array | pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    """The UTC date of each time, as text."""
    return pc.cast(pc.cast(times, pa.date32()), pa.string())


def _file(uri: str) -> str:
    return uri.rpartition("/")[2]
