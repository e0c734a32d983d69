"""Tables kept as Parquet or CSV objects in any S3 store."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import unquote

import pyarrow as pa

from contracts.errors import DataError
from contracts.objects import ObjectStore
from contracts.window import Window
from feature_store.sources.conform import conform, require_columns
from feature_store.sources.delimited import DelimitedFile
from feature_store.sources.parquet import ParquetFile
from feature_store.sources.source import Table

SUFFIXES = (".parquet", ".csv", ".csv.gz")
DAY_PARTITION = "date"
"""A folder `date=2013-01-31` says that all times below it lie in that UTC day."""

_NULL_PARTITION = "__HIVE_DEFAULT_PARTITION__"


class ObjectsSource:
    """Tables under `prefix`: one object `<table>.parquet`, `.csv` or `.csv.gz`, or all such objects in `<table>/`.

    Folders named `key=value` are columns of text, unless the file has a column of that name.
    Names that begin with `_` or `.` are left alone, as writers use them for unfinished work.
    One object at a time is on the local disk, and one row group or CSV block of it in memory.
    """

    def __init__(self, store: ObjectStore, prefix: str) -> None:
        self._store = store
        self._prefix = prefix.rstrip("/") + "/"

    def read(self, table: Table, window: Window | None) -> Iterator[pa.RecordBatch]:
        """See feature_store.sources.source.Source."""
        for uri in self._objects(table.name):
            partitions = _partitions(uri.removeprefix(self._prefix))
            if table.time_column is None or window is None or _may_hold(partitions, window):
                yield from self._read_object(uri, partitions, table, window)

    def _objects(self, table: str) -> list[str]:
        beginning = self._prefix + table
        stored = [uri for uri in self._store.names(beginning) if uri.endswith(SUFFIXES)]
        single = [uri for uri in stored if uri.removeprefix(beginning) in SUFFIXES]
        folder = [uri for uri in stored if uri.startswith(beginning + "/") and not _hidden(uri.removeprefix(beginning))]
        if len(single) + bool(folder) > 1:
            raise DataError(
                f"Table {table!r} is stored more than once: {[*single, *folder[:1]]}.", "Keep only one of them."
            )
        if not single and not folder:
            names = ", ".join([*(table + suffix for suffix in SUFFIXES), f"{table}/"])
            raise DataError(f"Table {table!r} is not under {self._prefix}.", f"Looked for {names}.")
        return single or folder

    def _read_object(
        self, uri: str, partitions: Mapping[str, str | None], table: Table, window: Window | None
    ) -> Iterator[pa.RecordBatch]:
        where = f"table {table.name!r} in {uri}"
        with TemporaryDirectory(prefix="driftloop-") as folder:
            path = Path(folder) / uri.rpartition("/")[2]
            self._store.get_file(uri, path)
            with _undamaged(uri), closing(_open(path)) as file:
                added = {key: value for key, value in partitions.items() if key not in file.names}
                require_columns(table, [*file.names, *added], where)
                for batch in file.batches(table, window):
                    yield from conform(_with(batch, added), table, window, where)


def _open(path: Path) -> ParquetFile | DelimitedFile:
    return ParquetFile(path) if path.suffix == ".parquet" else DelimitedFile(path)


@contextmanager
def _undamaged(uri: str) -> Iterator[None]:
    try:
        yield
    except (pa.ArrowException, OSError) as error:
        raise DataError(
            f"{uri} is damaged or not the format its name says ({error}).", "Write the object again, whole, and rerun."
        ) from error


def _with(batch: pa.RecordBatch, columns: Mapping[str, str | None]) -> pa.RecordBatch:
    for name, value in columns.items():
        batch = batch.append_column(name, pa.repeat(pa.scalar(value, pa.string()), len(batch)))
    return batch


def _partitions(path: str) -> dict[str, str | None]:
    pairs = (folder.partition("=") for folder in path.split("/")[:-1] if "=" in folder)
    return {unquote(key): None if value == _NULL_PARTITION else unquote(value) for key, _, value in pairs}


def _may_hold(partitions: Mapping[str, str | None], window: Window) -> bool:
    try:
        return window.start <= date.fromisoformat(partitions.get(DAY_PARTITION) or "") < window.end
    except ValueError:
        return True  # no such partition, or not one of days


def _hidden(path: str) -> bool:
    return any(part.startswith(("_", ".")) for part in path.split("/"))
