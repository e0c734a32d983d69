"""Bad rows: a few go into quarantine and the run goes on; too many stop it."""

from __future__ import annotations

import io

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from components.lake import Manifest
from components.validate import REASON
from contracts.objects import ObjectStore
from tests.failures.command import SECONDS, Command, Ended
from tests.failures.flights import Tables, corrupted, keep
from tests.failures.registered import lake_objects

REASONS = ("distance is not a number", "minute", "origin")


@pytest.mark.usefixtures("nothing_registered")
def test_too_many_stop_the_run(command: Command, store: ObjectStore, bucket: str, tables: Tables, place: str) -> None:
    """30 %: the share and the reasons are told, the page is there, and quarantine has each row with its reason."""
    before = lake_objects(store, bucket)
    flights, count = corrupted(tables["flights"], 0.3)
    ended = command.run(keep(store, place, {**tables, "flights": flights}, flights_as="csv"))
    ended.assert_told(3, f"{count} of {len(flights)} rows", "30.0%, allowed 5.0%", *REASONS)
    assert "too many" in command.written("validate", "report").read_text()
    added = _quarantined(store, bucket, before)
    assert sum(len(rows) for rows in added) == count
    assert all(reason.startswith(REASONS) for rows in added for reason in rows[REASON].to_pylist())


@pytest.mark.timeout(SECONDS)
def test_a_few_do_not(
    baseline: Ended, baseline_command: Command, store: ObjectStore, two_percent: tuple[Tables, int]
) -> None:
    """2 %: every row is refined or in quarantine, and the page counts them."""
    tables, count = two_percent
    raw = Manifest.read(baseline_command.written("ingest", "raw"))
    refined = Manifest.read(baseline_command.written("validate", "refined"))
    assert raw.rows("flights") == len(tables["flights"]) == refined.rows("flights") + count
    assert raw.rows("weather") == refined.rows("weather")
    page = baseline_command.written("validate", "report").read_text()
    assert f"{count:,}" in page
    assert all(reason in page for reason in REASONS)
    assert baseline.body["version"]


def _quarantined(store: ObjectStore, bucket: str, before: dict[str, int]) -> list[pa.Table]:
    added = [uri for uri in lake_objects(store, bucket) if "/quarantine/" in uri and uri not in before]
    return [pq.read_table(io.BytesIO(store.get(uri))) for uri in added]
