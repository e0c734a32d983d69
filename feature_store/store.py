"""Feast, driven by a loop's data contract: the point-in-time join for training, the online store for serving.

The same definitions serve both. The historical side reads one month's feature tables at a time, so that its memory
does not grow with the window; each month brings its own look-back.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from contracts.errors import ConfigError, DataError
from feature_store.contract import EVENT_TIME, ROW_ID, DataContract

if TYPE_CHECKING:
    from feast import FeatureStore

PROJECT = "driftloop"
_PLACE = "place"
"""Column of the frame Feast is asked about: each event's place in it."""


def write_feature_tables(tables: Mapping[str, pd.DataFrame], folder: Path) -> None:
    """Write one Parquet file a feature view, replacing what is there."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in tables.items():
        # Nanoseconds break materialization on duckdb 2.
        arrow = pa.Table.from_pandas(table, preserve_index=False)
        pq.write_table(arrow, folder / f"{name}.parquet", coerce_timestamps="us", allow_truncated_timestamps=True)


def open_store(contract: DataContract, folder: Path, registry: str, online: str) -> FeatureStore:
    """A Feast store over the feature tables in a folder, its definitions applied.

    `registry` is a path or an s3:// address; `online` a path of an SQLite file or `redis://host:port`.
    """
    from feast import FeatureStore, RepoConfig

    if "://" not in registry:
        Path(registry).parent.mkdir(parents=True, exist_ok=True)
    config = RepoConfig(
        project=PROJECT,
        provider="local",
        registry=registry,
        offline_store={"type": "feature_store.asof.AsofOfflineStore"},
        online_store=_online(online),
        entity_key_serialization_version=3,
    )
    store = FeatureStore(config=config)
    store.apply(contract.definitions(folder))
    return store


def historical(store: FeatureStore, contract: DataContract, events: pd.DataFrame) -> pd.DataFrame:
    """Events with every feature of the service as it was known at each event's time; same rows, same order.

    `events` has ROW_ID, EVENT_TIME and the join keys. DataError if row ids repeat or the join lost or invented a row.
    """
    if not events[ROW_ID].is_unique:
        repeated = events.loc[events[ROW_ID].duplicated(), ROW_ID].iloc[0]
        raise DataError(f"Row id {repeated!r} is there more than once.", "Row ids must be unique.")
    # Feast gets what the join needs only; the rest is put beside its answer.
    asked = events[[EVENT_TIME, *_join_keys(store, contract)]].assign(**{_PLACE: range(len(events))})
    service = store.get_feature_service(contract.service)
    joined = store.get_historical_features(entity_df=asked, features=service).to_df()
    joined = joined.sort_values(_PLACE, ignore_index=True)
    if not joined[_PLACE].equals(asked[_PLACE].reset_index(drop=True)):
        raise DataError(f"The point-in-time join made {len(joined)} rows of {len(events)}.")
    return pd.concat([events.reset_index(drop=True), joined[_joined_names(contract)]], axis=1)


def _join_keys(store: FeatureStore, contract: DataContract) -> list[str]:
    views = {column.view for column in contract.columns if column.view}
    return sorted({key for view in views for key in store.get_feature_view(view).join_keys})


def materialize(store: FeatureStore, contract: DataContract, now: datetime) -> None:
    """Bring the online store to what was known at `now`: the newest value of every key that is not too old."""
    for view in store.list_feature_views():
        reach = view.ttl or timedelta(days=366 * 200)
        store.materialize(start_date=now - reach, end_date=now, feature_views=[view.name])


def online(store: FeatureStore, contract: DataContract, keys: pd.DataFrame, now: datetime) -> pd.DataFrame:
    """The service's features of each row of join keys, from the online store; values older than their view allows miss.

    One row out for each row in, in order. The online store itself does not forget: age is checked here.
    """
    service = store.get_feature_service(contract.service)
    answer = store.get_online_features(
        features=service, entity_rows={str(name): keys[name].tolist() for name in keys}, full_feature_names=False
    ).proto
    limits = {column.name: column.view for column in contract.columns if column.view}
    ages = {view.name: view.ttl for view in store.list_feature_views()}
    columns: dict[str, list[float | None]] = {}
    for name, vector in zip(answer.metadata.feature_names.val, answer.results, strict=True):
        if name in limits:
            age = ages[limits[name]]
            oldest = now - age if age else None
            columns[name] = [
                _fresh(value, stamp, oldest)
                for value, stamp in zip(vector.values, vector.event_timestamps, strict=True)
            ]
    return pd.DataFrame({name: pd.Series(columns[name], dtype="float64") for name in _joined_names(contract)})


def _fresh(value: Any, stamp: Any, oldest: datetime | None) -> float | None:
    if value.WhichOneof("val") is None:
        return None
    if oldest is not None and stamp.ToDatetime(tzinfo=UTC) < oldest:
        return None
    return float(value.double_val)


def _joined_names(contract: DataContract) -> list[str]:
    return [column.name for column in contract.columns if column.view]


def _online(address: str) -> dict[str, str]:
    if address.startswith(("redis://", "rediss://")):
        return {"type": "redis", "connection_string": urlsplit(address).netloc}
    if "://" in address:
        raise ConfigError(f"{address!r} is no online store.", "Give the path of an SQLite file or redis://host:port.")
    Path(address).parent.mkdir(parents=True, exist_ok=True)
    return {"type": "sqlite", "path": address}
