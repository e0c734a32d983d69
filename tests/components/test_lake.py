"""Partitions: named by their content, whole or absent, checked when read."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from components.lake import Lake, Manifest
from contracts.errors import DataError, IntegrityError


def test_same_rows_same_name(lake: Lake) -> None:
    """Writing the same rows again makes no second object."""
    rows = pa.table({"a": [1, 2, 3], "b": ["x", None, "z"]})
    first = lake.put("raw", "things", "2013-01", rows)
    assert lake.put("raw", "things", "2013-01", rows) == first
    assert list(lake.store.names(f"{lake.root}/raw/flights/things/month=2013-01/")) == [first.uri]
    assert lake.get(first).equals(rows)


def test_other_rows_other_name(lake: Lake) -> None:
    """One changed value makes another object beside the first."""
    first = lake.put("raw", "others", "2013-01", pa.table({"a": [1]}))
    second = lake.put("raw", "others", "2013-01", pa.table({"a": [2]}))
    assert first.uri != second.uri
    assert lake.get(first)["a"].to_pylist() == [1]


def test_a_changed_object_is_refused(lake: Lake) -> None:
    """Bytes that are not what the name says are never read as rows."""
    part = lake.put("raw", "changed", "2013-01", pa.table({"a": [1]}))
    lake.store.put(part.uri, b"something else")
    with pytest.raises(IntegrityError, match="not what its name says"):
        lake.get(part)


def test_manifest_round_trip(lake: Lake, tmp_path: Path) -> None:
    """A manifest read is the manifest written, and its digest hangs on the rows alone."""
    parts = [
        lake.put("raw", "m", month, pa.table({"a": [number]})) for number, month in enumerate(("2013-01", "2013-02"))
    ]
    manifest = _manifest(parts)
    manifest.write(tmp_path / "manifest")
    assert Manifest.read(tmp_path / "manifest") == manifest
    assert _manifest(parts[::-1]).digest == manifest.digest
    assert _manifest(parts[:1]).digest != manifest.digest
    assert manifest.rows("m") == 2
    assert lake.read(manifest, "m", "2013-02")["a"].to_pylist() == [1]


def test_a_month_that_is_not_there(lake: Lake) -> None:
    """Asking for rows that no partition has is an error, not an empty table."""
    manifest = _manifest([lake.put("raw", "n", "2013-01", pa.table({"a": [1]}))])
    with pytest.raises(DataError, match="2013-07"):
        lake.read(manifest, "n", "2013-07")


def _manifest(parts: list) -> Manifest:  # type: ignore[type-arg]
    fields = {"loop": "flights", "layer": "raw", "start": "2013-01-01", "end": "2013-03-01", "partitions": tuple(parts)}
    return Manifest.model_validate(fields)
