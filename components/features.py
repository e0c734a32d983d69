"""features: refined rows to the training frame, by Feast's point-in-time join, a month at a time."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from components.kept_frames import KeptFrames, key_of
from components.lake import WHOLE, Lake, Manifest
from components.output import whole
from contracts.errors import DataError
from contracts.loop import LoopSpec
from contracts.objects import ObjectStore
from contracts.settings import Settings
from contracts.window import Window
from feature_store.contract import LABEL_TIME, DataContract, load
from feature_store.store import historical, materialize, open_store, write_feature_tables

ROW_GROUP_ROWS = 65_536


def features(manifest: Manifest, contract: DataContract, lake: Lake, window: Window, path: Path) -> int:
    """Write the frame of a window: identity, instants, label and features of every event, in order of time.

    Returns the number of rows. DataError if there is none.
    """
    rows, kept = 0, KeptFrames(lake)
    with TemporaryDirectory() as folder, whole(path) as partial, _FrameWriter(partial) as writer:
        for month in window.months():
            key = key_of(manifest, contract, month)
            frame = kept.get(key)
            if frame is None:
                frame = _month(manifest, contract, lake, month, Path(folder))
                if frame.num_rows:
                    frame = kept.put(key, frame)
            rows += frame.num_rows
            writer.write(frame)
        if not rows:
            raise DataError(f"Window {window} has no events.", "Choose another window.")
    return rows


def materialize_online(
    manifest: Manifest, contract: DataContract, lake: Lake, settings: Settings, now: datetime
) -> None:
    """Bring the online store to what was known at `now`, from the same definitions and the same transforms."""
    last_day = Window.parse(now.date().isoformat(), date.fromordinal(now.date().toordinal() + 1).isoformat())
    tables = _load(manifest, contract, lake, last_day)
    folder = settings.home / "feast" / "tables"
    write_feature_tables(contract.feature_tables(tables), folder)
    store = open_store(contract, folder, settings.feast_registry, settings.feast_online_store)
    materialize(store, contract, now)


def _month(manifest: Manifest, contract: DataContract, lake: Lake, month: Window, folder: Path) -> pa.Table:
    frame = _joined(manifest, contract, lake, month, folder)
    # Without pandas' own notes, which name the kind of text column it happened to use.
    return pa.Table.from_pandas(frame, preserve_index=False).replace_schema_metadata()


def _joined(manifest: Manifest, contract: DataContract, lake: Lake, month: Window, folder: Path) -> pd.DataFrame:
    tables = _load(manifest, contract, lake, month)
    write_feature_tables(contract.feature_tables(tables), folder)
    events = contract.events(tables[contract.tables[0].name])
    events = events[(events[LABEL_TIME] >= month.start_time) & (events[LABEL_TIME] < month.end_time)]
    events = events.sort_values(list(events.columns[:3]), ignore_index=True)
    if not len(events):
        return events
    store = open_store(contract, folder, str(folder / "registry.db"), str(folder / "online.db"))
    return historical(store, contract, events)


def _load(manifest: Manifest, contract: DataContract, lake: Lake, month: Window) -> dict[str, pd.DataFrame]:
    """Refined tables of a month and its look-back."""
    since = month.start_time - contract.lookback
    months = [part.start.strftime("%Y-%m") for part in Window(since.date(), month.end).months()]
    tables = {}
    for table in contract.tables:
        if table.time_column is None:
            tables[table.name] = lake.read(manifest, table.name, WHOLE).to_pandas()
            continue
        rows = lake.read(manifest, table.name, *months).to_pandas()
        times = rows[table.time_column]
        tables[table.name] = rows[(times >= since) & (times < month.end_time)].reset_index(drop=True)
    return tables


class _FrameWriter:
    """Appends frames to one Parquet file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.writer: pq.ParquetWriter | None = None

    def __enter__(self) -> _FrameWriter:
        return self

    def write(self, table: pa.Table) -> None:
        if not table.num_rows:
            return
        if self.writer is None:
            self.writer = pq.ParquetWriter(self.path, table.schema, compression="zstd", coerce_timestamps="us")
        self.writer.write_table(table.cast(self.writer.schema), row_group_size=ROW_GROUP_ROWS)

    def __exit__(self, *_: object) -> None:
        if self.writer is not None:
            self.writer.close()


def run(settings: Settings, spec: LoopSpec, refined: Path, window: Window, frame: Path) -> int:
    """The step: write the frame of the window, and bring the online store to the window's end."""
    manifest = Manifest.read(refined)
    contract = load(spec.name)
    lake = Lake(ObjectStore(settings), settings.data_bucket, spec.name)
    rows = features(manifest, contract, lake, window, frame)
    materialize_online(manifest, contract, lake, settings, window.end_time - timedelta(microseconds=1))
    return rows
