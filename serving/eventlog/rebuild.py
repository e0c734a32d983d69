"""What a process that starts learns from S3: windows nobody was told of, windows without labels, rows in no window."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pyarrow as pa

from contracts.eventlog import ROOT, ROW_ID, EventLog, clock_name, clock_of, is_labelled, labelled_uri, told_uri
from contracts.objects import PAGE, Listed, ObjectStore
from serving.eventlog.keeper import Keeper
from serving.eventlog.unlabelled import MAX_LABELS, MAX_OPEN_ROWS

EARLY = timedelta(days=30)
"""How long before its window a label may have come, to be found when a process starts."""
_log = logging.getLogger(__name__)


def rebuild(keeper: Keeper) -> None:
    """Fill a new keeper. UnavailableError while S3 is away: then nothing may be taken yet."""
    keeper.store.ensure_bucket(keeper.bucket)
    for loop in keeper.store.folders(f"s3://{keeper.bucket}/{ROOT}/"):
        log = keeper.log(loop)
        windows = _all(keeper.store, f"{log.root}/windows/")
        waiting = _without_labels(windows)
        _learn_labels(keeper, log, waiting)
        _open(keeper, log, waiting)
        _tell_untold(keeper, log, [each.uri for each in windows])
        _find_unread(keeper, log, [each.uri for each in windows])
    keeper.catch_up()


def _without_labels(windows: Sequence[Listed]) -> list[Listed]:
    """In the order of their storing."""
    labelled = {each.uri for each in windows if is_labelled(each.uri)}
    plain = [each for each in windows if each.uri not in labelled and labelled_uri(each.uri) not in labelled]
    return sorted(plain, key=lambda each: (each.modified, each.uri))


def _open(keeper: Keeper, log: EventLog, waiting: Sequence[Listed]) -> None:
    newest: list[tuple[str, list[str]]] = []
    rows = 0
    for each in reversed([each for each in waiting if each.uri not in keeper.unlabelled]):
        newest.append((each.uri, log.read(each.uri, [ROW_ID])[ROW_ID].to_pylist()))
        rows += len(newest[-1][1])
        if rows > MAX_OPEN_ROWS:
            _log.warning("%s: of %d windows without labels the newest %d wait", log.loop, len(waiting), len(newest))
            break
    for uri, row_ids in reversed(newest):
        keeper.wait_for_labels(log.loop, log.window(uri), row_ids)


def _learn_labels(keeper: Keeper, log: EventLog, waiting: Sequence[Listed]) -> None:
    """All labels since the oldest window that waits, and before that the latest."""
    oldest = waiting[0].modified if waiting else datetime.now(UTC)
    tables: list[pa.Table] = []
    rows = 0
    for uri in reversed(log.names(log.labels_prefix, oldest - EARLY)):
        if rows >= MAX_LABELS and uri.rpartition("/")[2] < clock_name(oldest):
            break
        tables.append(log.read(uri))
        rows += tables[-1].num_rows
    for table in reversed(tables):
        keeper.learn_labels(log.loop, table)


def _tell_untold(keeper: Keeper, log: EventLog, windows: Sequence[str]) -> None:
    told = set(log.listed(f"{log.root}/told/"))
    for uri in windows:
        if told_uri(uri) not in told:
            keeper.tell(log.loop, uri)


def _find_unread(keeper: Keeper, log: EventLog, windows: Sequence[str]) -> None:
    """Versions with rows that no window has seen. Another's rest is too small for a window."""
    for version in log.versions():
        prefix = log.windows_prefix(version)
        last = max((uri for uri in windows if uri.startswith(prefix) and not is_labelled(uri)), default=None)
        if last is None:
            keeper.unread(log.loop, version)
            continue
        newest = (keeper.store.metadata(last) or {})["newest"]
        if any(uri.rpartition("/")[2] > newest for uri in log.names(log.rows_prefix(version), clock_of(newest))):
            keeper.unread(log.loop, version)


def _all(store: ObjectStore, prefix: str) -> list[Listed]:
    found: list[Listed] = []
    while True:
        page = store.page(prefix, found[-1].uri if found else "")
        found += page
        if len(page) < PAGE:
            return found
