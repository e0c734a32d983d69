"""A table that is not the loop's: the run stops before anything is trained."""

from __future__ import annotations

import pyarrow as pa
import pytest

from contracts.objects import ObjectStore
from tests.failures.command import Command
from tests.failures.flights import Tables, keep, with_column

pytestmark = pytest.mark.usefixtures("nothing_registered")


def test_a_missing_column_is_named(command: Command, store: ObjectStore, tables: Tables, place: str) -> None:
    """The column, the object that lacks it and the columns it has."""
    lacking = {**tables, "flights": tables["flights"].drop_columns(["carrier"])}
    ended = command.run(keep(store, place, lacking))
    ended.assert_told(3, "Column 'carrier' is missing", f"{place}flights.parquet", "'tailnum'")


def test_text_where_numbers_belong_is_named(command: Command, store: ObjectStore, tables: Tables, place: str) -> None:
    """A whole column of text: how many rows, which column, and a page that shows one of its values."""
    flights = tables["flights"]
    wrong = with_column(flights, "distance", pa.array(["a long way"] * len(flights)))
    ended = command.run(keep(store, place, {**tables, "flights": wrong}))
    ended.assert_told(3, f"{len(flights)} of {len(flights)} rows", "'flights'", "distance is not a number")
    assert "a long way" in command.written("validate", "report").read_text()


def test_times_that_are_none_are_named(command: Command, store: ObjectStore, tables: Tables, place: str) -> None:
    """Without times no row has a day: the column and its first value."""
    flights = tables["flights"]
    wrong = with_column(flights, "time_hour", pa.array(["noon"] * len(flights)))
    ended = command.run(keep(store, place, {**tables, "flights": wrong}))
    ended.assert_told(3, "Column 'time_hour'", "'noon', which is not a time")
