"""ingest: rows of a window, from any source, into the raw layer as they came."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from components.lake import RAW, WHOLE, Lake, Manifest, Partition
from contracts.errors import DataError, disk_room
from contracts.loop import LoopSpec
from contracts.objects import ObjectStore
from contracts.settings import Settings
from contracts.window import Window
from feature_store.contract import DataContract, load
from feature_store.sources.open import open_source
from feature_store.sources.source import Source, Table
from feature_store.sources.unify import unify

_DAY = timedelta(days=1)


def ingest(source: Source, contract: DataContract, lake: Lake, window: Window) -> Manifest:
    """Copy the window and its look-back, month by month, into the raw layer.

    The same rows give the same partitions in whatever order the source yields them. DataError if there are no events,
    not even in the look-back; the source's own errors pass through.
    """
    reach = window.widened(-(-contract.lookback // _DAY))
    partitions = [part for table in contract.tables for part in _ingest_table(source, table, lake, reach)]
    manifest = Manifest(loop=lake.loop, layer=RAW, start=reach.start, end=reach.end, partitions=tuple(partitions))
    events = contract.tables[0]
    if not manifest.rows(events.name):
        raise DataError(f"Window {window} has no rows of table {events.name!r}.", "Choose another window or source.")
    return manifest


def _ingest_table(source: Source, table: Table, lake: Lake, reach: Window) -> Iterator[Partition]:
    with TemporaryDirectory() as folder, disk_room(folder):
        months = _spill(source.read(table, reach), table, Path(folder))
        for month, paths in sorted(months.items()):
            yield lake.put(RAW, table.name, month, _in_order(unify([pq.read_table(path) for path in paths])))


def _spill(batches: Iterable[pa.RecordBatch], table: Table, folder: Path) -> dict[str, list[Path]]:
    """Sort batches into files by month and by types, which may differ from piece to piece of a source.

    So memory holds a batch and not the window.
    """
    paths: dict[str, list[Path]] = defaultdict(list)
    with ExitStack() as stack:
        writers: dict[tuple[str, pa.Schema], pq.ParquetWriter] = {}
        for batch in batches:
            for month, rows in _by_month(pa.Table.from_batches([batch]), table):
                if (month, rows.schema) not in writers:
                    path = folder / f"{month}-{len(writers)}.parquet"
                    paths[month].append(path)
                    writers[month, rows.schema] = stack.enter_context(pq.ParquetWriter(path, rows.schema))
                writers[month, rows.schema].write_table(rows)
    return paths


def _by_month(rows: pa.Table, table: Table) -> Iterator[tuple[str, pa.Table]]:
    if table.time_column is None:
        yield WHOLE, rows
        return
    months = pc.floor_temporal(rows[table.time_column], unit="month")
    for month in pc.unique(months):
        yield f"{month.as_py():%Y-%m}", rows.filter(pc.equal(months, month))


def _in_order(rows: pa.Table) -> pa.Table:
    return rows.sort_by([(name, "ascending") for name in rows.column_names]).combine_chunks()


def run(settings: Settings, spec: LoopSpec, window: Window, raw: Path) -> Manifest:
    """The step: ingest the window and write its manifest."""
    contract = load(spec.name)
    store = ObjectStore(settings)
    store.ensure_bucket(settings.data_bucket)
    source = open_source(spec.data.source, settings, contract.sources)
    manifest = ingest(source, contract, Lake(store, settings.data_bucket, spec.name), window)
    manifest.write(raw)
    return manifest
