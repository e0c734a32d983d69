"""The point-in-time join against a brute-force as-of join."""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts.errors import DataError
from feature_store.contract import EVENT_TIME, ROW_ID, DataContract, load
from feature_store.flights.columns import COLUMNS, KEYS, TIMES_TO_LIVE
from feature_store.store import historical, open_store, write_feature_tables

START = datetime(2013, 1, 1, tzinfo=UTC)
NAMES = {"origin": ["EWR", "JFK"], "carrier": ["UA", "B6"], "tailnum": ["N1", "N2", ""]}
MINUTES = st.integers(0, 2 * 24 * 60)


def _feature_rows(view: str) -> st.SearchStrategy[list[tuple[str, int]]]:
    """Keys and minutes of one view's rows, one a key and minute."""
    return st.lists(st.tuples(st.sampled_from(NAMES[KEYS[view]]), MINUTES), max_size=25, unique=True)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    tables=st.fixed_dictionaries({view: _feature_rows(view) for view in KEYS}),
    asked=st.lists(
        st.tuples(*(st.sampled_from(NAMES[key]) for key in ("origin", "carrier", "tailnum")), MINUTES),
        min_size=1,
        max_size=20,
    ),
)
def test_join_equals_brute_force(
    tables: dict[str, list[tuple[str, int]]], asked: list[tuple[str, str, str, int]]
) -> None:
    """Every value is the newest one known at the event's time and not older than its view allows."""
    contract = load("flights")
    features = {view: _table(view, rows) for view, rows in tables.items()}
    events = _events(asked)
    with tempfile.TemporaryDirectory() as folder:
        write_feature_tables(features, Path(folder))
        store = open_store(contract, Path(folder), f"{folder}/registry.db", f"{folder}/online.db")
        joined = historical(store, contract, events)
    assert joined[ROW_ID].tolist() == events[ROW_ID].tolist()
    for position, event in enumerate(events.to_dict("records")):
        for column in COLUMNS:
            if column.view:
                expected = _newest(features[column.view], event, column.view, column.name)
                np.testing.assert_equal(float(joined[column.name].iloc[position]), expected)


def test_repeated_row_ids_are_refused(tmp_path: Path) -> None:
    """Two events with one id cannot be told apart: DataError."""
    contract: DataContract = load("flights")
    features = {view: _table(view, [(NAMES[KEYS[view]][0], 0)]) for view in KEYS}
    write_feature_tables(features, tmp_path)
    store = open_store(contract, tmp_path, str(tmp_path / "registry.db"), str(tmp_path / "online.db"))
    events = _events([("EWR", "UA", "N1", 5), ("JFK", "UA", "N1", 6)]).assign(**{ROW_ID: "same"})
    with pytest.raises(DataError, match=r"\b(rows of 2|more than once)\b"):
        historical(store, contract, events)


def _table(view: str, rows: list[tuple[str, int]]) -> pd.DataFrame:
    key = KEYS[view]
    columns: dict[str, Any] = {
        key: pd.array([name for name, _ in rows], dtype="string"),
        "known_at": pd.to_datetime([START + timedelta(minutes=minute) for _, minute in rows], utc=True),
    }
    for number, column in enumerate(column for column in COLUMNS if column.view == view):
        columns[column.name] = np.arange(len(rows), dtype="float64") + number / 100
    return pd.DataFrame(columns)


def _events(asked: list[tuple[str, str, str, int]]) -> pd.DataFrame:
    origin, carrier, tailnum, minutes = zip(*asked, strict=True)
    return pd.DataFrame(
        {
            ROW_ID: [f"row-{number}" for number in range(len(asked))],
            EVENT_TIME: pd.to_datetime([START + timedelta(minutes=minute) for minute in minutes], utc=True),
            "origin": pd.array(origin, dtype="string"),
            "carrier": pd.array(carrier, dtype="string"),
            "tailnum": pd.array(tailnum, dtype="string"),
        }
    )


def _newest(table: pd.DataFrame, event: dict[Any, Any], view: str, name: str) -> float:
    known = [
        (row["known_at"], row[name])
        for row in table.to_dict("records")
        if row[KEYS[view]] == event[KEYS[view]]
        and row["known_at"] <= event[EVENT_TIME]
        and (not TIMES_TO_LIVE[view] or row["known_at"] >= event[EVENT_TIME] - TIMES_TO_LIVE[view])
    ]
    return float(max(known)[1]) if known else float("nan")
