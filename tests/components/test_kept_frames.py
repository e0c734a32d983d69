"""Months of frames that are kept: the same frame as one computed anew, and never another one."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from components import features as step
from components.features import features
from components.kept_frames import key_of
from components.lake import REFINED, Lake, Manifest
from components.validate import split
from contracts.loop import LoopSpec
from contracts.objects import ObjectStore
from contracts.settings import Settings
from contracts.window import Window
from feature_store.contract import DataContract, load

DAYS = Window.parse("2013-01-29", "2013-02-03")
ROOT = Path(__file__).parents[2]


@pytest.fixture
def lake(s3_settings: Settings, request: pytest.FixtureRequest) -> Lake:
    """A lake of the test's own."""
    return Lake(ObjectStore(s3_settings), s3_settings.data_bucket, f"flights-{request.node.name.replace('_', '-')}")


@pytest.fixture(scope="module")
def contract() -> DataContract:
    """The flights contract."""
    return load("flights")


def refined(lake: Lake, contract: DataContract, carrier: str | None = None) -> Manifest:
    """Refined days around a turn of the month, by month as validate leaves them; of every carrier, or without one."""
    source, parts = contract.sources[LoopSpec.load(ROOT / "pipelines/loops/flights.toml").data.source](), []
    for table in contract.tables:
        raw = pa.Table.from_batches(list(source.read(table, DAYS.widened(2)))).to_pandas()
        rows = split(raw, contract.schema(table.name), table.name)[0]
        if carrier and table.name == "flights":
            rows = rows[(rows["carrier"] != carrier) | (rows["time_hour"].dt.month == 1)]
        months = ["whole"] * len(rows)
        if table.time_column:
            months = rows[table.time_column].dt.strftime("%Y-%m")
        for month, part in rows.groupby(months):
            parts.append(lake.put(REFINED, table.name, str(month), pa.Table.from_pandas(part, preserve_index=False)))
    return Manifest(loop=lake.loop, layer=REFINED, start=DAYS.start, end=DAYS.end, partitions=tuple(parts))


def test_a_kept_month_is_not_computed_again(
    lake: Lake, contract: DataContract, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the frame made of kept months is byte for byte the one that was computed."""
    manifest = refined(lake, contract)
    rows = features(manifest, contract, lake, DAYS, tmp_path / "first.parquet")
    monkeypatch.setattr(step, "_month", None)  # whoever calls it fails
    assert features(manifest, contract, lake, DAYS, tmp_path / "second.parquet") == rows
    assert (tmp_path / "first.parquet").read_bytes() == (tmp_path / "second.parquet").read_bytes()


def test_only_months_whose_rows_changed_are_computed(lake: Lake, contract: DataContract) -> None:
    """A month's key depends on its own rows and its look-back, not on what comes later."""
    january, february = DAYS.months()
    before, after = refined(lake, contract), refined(lake, contract, carrier="UA")
    assert key_of(before, contract, january) == key_of(after, contract, january)
    assert key_of(before, contract, february) != key_of(after, contract, february)


def test_a_month_that_was_tampered_with_is_computed_again(lake: Lake, contract: DataContract, tmp_path: Path) -> None:
    """What is kept is believed only if it is what its name says."""
    manifest = refined(lake, contract)
    features(manifest, contract, lake, DAYS, tmp_path / "first.parquet")
    kept = list(lake.store.names(f"{lake.root}/frames/{lake.loop}/"))
    assert len(kept) == 2
    for uri in kept:
        lake.store.put(uri, b"something else")
    features(manifest, contract, lake, DAYS, tmp_path / "second.parquet")
    assert (tmp_path / "first.parquet").read_bytes() == (tmp_path / "second.parquet").read_bytes()
