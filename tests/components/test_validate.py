"""validate: every row ends in the refined layer or, with its reason, in quarantine."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from components.lake import QUARANTINE, Lake, Manifest
from components.validate import REASON, TableReport, require_share, split, validate
from contracts.errors import DataError
from feature_store.contract import DataContract

GOOD: dict[str, Any] = {
    "time_hour": pd.Timestamp("2013-01-05T10:00Z"),
    "minute": 15,
    "carrier": "UA",
    "flight": 1,
    "tailnum": "N1",
    "origin": "EWR",
    "dest": "ORD",
    "sched_arr_time": 1130,
    "distance": 719,
    "dep_delay": 2.0,
    "arr_delay": None,
}


def _rows(*changes: dict[str, Any]) -> pd.DataFrame:
    return pd.DataFrame([GOOD | {"flight": number} | change for number, change in enumerate(changes, start=1)])


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"minute": 60}, "minute is not between 0 and 59"),
        ({"origin": "BOS"}, "origin is not one of EWR, JFK, LGA"),
        ({"dest": "O"}, "dest is not a three-letter airport code"),
        ({"carrier": None}, "carrier is missing"),
        ({"sched_arr_time": 1175}, "sched_arr_time has minutes above 59"),
        ({"distance": "far"}, "distance is not a number"),
        ({"distance": float("inf")}, "distance is not a number"),
        ({"dep_delay": "late"}, "dep_delay is not a number"),
        ({"time_hour": None}, "time_hour is missing"),
        ({"flight": 1}, "repeats the key of an earlier row"),
    ],
)
def test_a_bad_row_is_kept_with_its_reason(contract: DataContract, change: dict[str, Any], reason: str) -> None:
    """One bad row among three goes to quarantine as it came; the others are refined."""
    rows = _rows({}, change, {})
    good, bad = split(rows, contract.schema("flights"), "flights")
    assert good["flight"].tolist() == [1.0, 3.0]
    assert len(bad) == 1
    assert bad[REASON].iloc[0].startswith(reason)
    pd.testing.assert_frame_equal(bad.drop(columns=REASON), rows.iloc[[1]], check_dtype=False)


def test_several_bad_rows_each_with_its_own_reason(contract: DataContract) -> None:
    """Reasons of different kinds do not hide each other."""
    rows = _rows({"distance": "far"}, {"minute": 99}, {}, {"origin": "BOS"}, {"carrier": "united"})
    good, bad = split(rows, contract.schema("flights"), "flights")
    assert len(good) == 1
    assert [reason.split()[0] for reason in bad[REASON]] == ["distance", "minute", "origin", "carrier"]


def test_a_missing_column_stops(contract: DataContract) -> None:
    """A table without a column is not a table of bad rows: DataError names it."""
    with pytest.raises(DataError, match="'origin' is missing from table 'flights'"):
        split(_rows({}).drop(columns="origin"), contract.schema("flights"), "flights")


def test_missing_where_allowed(contract: DataContract) -> None:
    """A cancelled flight has no delays and an unknown aircraft: a good row."""
    good, bad = split(
        _rows({"dep_delay": None, "arr_delay": None, "tailnum": None}), contract.schema("flights"), "flights"
    )
    assert (len(good), len(bad)) == (1, 0)


def test_nothing_is_lost(contract: DataContract, lake: Lake) -> None:
    """Refined and quarantined rows together are the raw ones, and the quarantine says why."""
    rows = _rows(*([{}] * 20), {"distance": -1}, {"minute": 61})
    part = lake.put("raw", "flights", "2013-01", pa.Table.from_pandas(rows, preserve_index=False))
    manifest = Manifest.model_validate(
        {"loop": "flights", "layer": "raw", "start": "2013-01-01", "end": "2013-02-01", "partitions": (part,)}
    )
    before = set(lake.store.names(f"{lake.root}/{QUARANTINE}/flights/flights/"))
    refined, reports = validate(manifest, contract, lake)
    kept = set(lake.store.names(f"{lake.root}/{QUARANTINE}/flights/flights/")) - before
    assert refined.rows("flights") == 20
    assert (reports[0].rows, reports[0].bad) == (22, 2)
    assert sum(reports[0].reasons.values()) == 2
    assert len(kept) == 1


def test_the_share_decides() -> None:
    """Up to the allowed share the run goes on; above it, it stops with the share and the reasons."""
    report = TableReport("flights", rows=100, bad=6)
    report.reasons.update({"minute is not between 0 and 59": 6})
    require_share([report], 0.06)
    with pytest.raises(DataError, match=r"6 of 100 rows .* \(6.0%, allowed 5.0%\): 6 × minute"):
        require_share([report], 0.05)
