"""Months of training frames kept on S3, so that a longer window costs only the months that are new.

`frames/<loop>/<key>/<sha256>.parquet`: the key says what went into a month (its partitions, its window, the code that
computes features), the name what came out, which is checked when it is read again.
"""

from __future__ import annotations

import hashlib
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa
import pyarrow.parquet as pq

import feature_store
from components.lake import WHOLE, Lake, Manifest
from contracts.errors import disk_room
from contracts.model import sha256_of
from contracts.window import Window
from feature_store.contract import DataContract

_LIBRARIES = ("duckdb", "feast", "numpy", "pandas", "pyarrow")
"""Whose other versions might compute another frame."""


class KeptFrames:
    """The kept months of one loop."""

    def __init__(self, lake: Lake) -> None:
        self.lake = lake
        self.root = f"{lake.root}/frames/{lake.loop}"

    def get(self, key: str) -> pa.Table | None:
        """The frame of a month, or None if it is not kept, or is not what its name says."""
        for uri in self.lake.store.names(f"{self.root}/{key}/"):
            with TemporaryDirectory() as folder, disk_room(folder):
                path = Path(folder) / "frame.parquet"
                self.lake.store.get_file(uri, path)
                if sha256_of(path) == Path(uri).stem:
                    return pq.read_table(path)
        return None

    def put(self, key: str, frame: pa.Table) -> pa.Table:
        """Keep the frame of a month; the frame as `get` will give it, for types may differ in how they are written."""
        with TemporaryDirectory() as folder, disk_room(folder):
            path = Path(folder) / "frame.parquet"
            pq.write_table(frame, path, compression="zstd", coerce_timestamps="us")
            self.lake.store.put_file(f"{self.root}/{key}/{sha256_of(path)}.parquet", path)
            return pq.read_table(path)


def key_of(manifest: Manifest, contract: DataContract, month: Window) -> str:
    """What a month's frame depends on, as a sha256: the rows of it and its look-back, and how it is computed."""
    since = Window(month.start - contract.lookback, month.end)
    names = {part.start.strftime("%Y-%m") for part in since.months()} | {WHOLE}
    lines = [f"{part.table} {part.month} {part.sha256}" for part in manifest.partitions if part.month in names]
    lines += [str(month), *(f"{name} {version(name)}" for name in _LIBRARIES), _code()]
    return hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest()


def _code() -> str:
    """Digest of every module that has a part in a frame."""
    store = Path(feature_store.__file__).parent
    modules = [*sorted(store.rglob("*.py")), Path(__file__).with_name("features.py")]
    return hashlib.sha256(b"".join(module.read_bytes() for module in modules)).hexdigest()
