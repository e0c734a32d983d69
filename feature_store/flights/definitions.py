"""Feast's view of the flights features: entities, feature views, one feature service."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

from feast import Entity, FeatureService, FeatureView, Field, FileSource
from feast.types import Float64
from feast.value_type import ValueType

from feature_store.flights.columns import COLUMNS, KEYS, SERVICE, TIMES_TO_LIVE


def definitions(folder: Path) -> list[Any]:
    """Everything to apply to a registry, reading `<folder>/<view>.parquet`."""
    entities = {
        key: Entity(name=key, join_keys=[key], value_type=ValueType.STRING) for key in sorted(set(KEYS.values()))
    }
    views: list[Any] = [
        _view(name, entities[KEYS[name]], folder, time_to_live) for name, time_to_live in TIMES_TO_LIVE.items()
    ]
    return [*entities.values(), *views, FeatureService(name=SERVICE, features=views)]


def _view(name: str, entity: Entity, folder: Path, time_to_live: timedelta) -> FeatureView:
    return FeatureView(
        name=name,
        entities=[entity],
        ttl=time_to_live,
        schema=[Field(name=column.name, dtype=Float64) for column in COLUMNS if column.view == name],
        source=FileSource(name=name, path=str(folder / f"{name}.parquet"), timestamp_field="known_at"),
        online=True,
    )
