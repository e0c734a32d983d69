"""Objects of the source that are not whole."""

from __future__ import annotations

import pytest

from contracts.objects import ObjectStore
from tests.failures.command import Command
from tests.failures.flights import Tables, keep

pytestmark = pytest.mark.usefixtures("nothing_registered")


@pytest.mark.parametrize("kept", [0.0, 0.9])
def test_a_truncated_object_is_named(
    command: Command, store: ObjectStore, tables: Tables, place: str, kept: float
) -> None:
    """Its address, and that it should be written again."""
    uri = f"{keep(store, place, tables)}flights.parquet"
    body = store.get(uri)
    store.put(uri, body[: int(len(body) * kept)])
    command.run(place).assert_told(3, f"{uri} is damaged", "Write the object again")


def test_a_table_that_is_not_there_is_named(command: Command, store: ObjectStore, tables: Tables, place: str) -> None:
    """And under which names it was looked for."""
    ended = command.run(keep(store, place, {name: rows for name, rows in tables.items() if name != "weather"}))
    ended.assert_told(3, "'weather' is not under", "weather.parquet")
