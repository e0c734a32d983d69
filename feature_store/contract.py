"""What a loop's folder must offer. `load("flights")` gives the contract of feature_store/flights/."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from contracts.errors import ConfigError
from feature_store.sources.source import Source, Table

if TYPE_CHECKING:
    import pandas as pd
    import pandera.pandas as pa

ROW_ID = "row_id"
"""Column of a frame: identifies one row for good, whatever window it was read in."""
EVENT_TIME = "event_timestamp"
"""Column of a frame: the instant of the decision, UTC. Nothing known later may be in the row."""
LABEL_TIME = "label_time"
"""Column of a frame: the instant by which the label is counted on, UTC; rows belong to a window by their event time."""
LABEL = "label"
"""Column of a frame: position of the row's class in `labels`, or NaN where the outcome never came."""


@dataclass(frozen=True)
class FeatureColumn:
    """One feature of the model, in its place, and where it comes from."""

    name: str
    categorical: bool = False
    view: str | None = None
    """Feast feature view; None: computed from the request itself."""


@dataclass(frozen=True)
class DataContract:
    """One loop's data: raw tables, their schemas, features and label."""

    tables: tuple[Table, ...]
    """Raw tables. The first holds the events, one row a decision."""
    sources: Mapping[str, Callable[[], Source]]
    """The loop's own sources, by the name a loop's TOML uses."""
    schema: Callable[[str], pa.DataFrameSchema]
    """Table → pandera schema of its refined rows."""
    lookback: timedelta
    """How far before an event its features may reach: read that much more than the window."""
    labels: tuple[str, ...]
    columns: tuple[FeatureColumn, ...]
    slices: tuple[str, ...]
    """Columns of the frame by whose values the evaluation is cut."""
    service: str
    """Name of the Feast feature service."""
    definitions: Callable[[Path], list[Any]]
    """Folder with one Parquet file a feature view → Feast entities, views and service over them."""
    feature_tables: Callable[[Mapping[str, pd.DataFrame]], dict[str, pd.DataFrame]]
    """Refined tables → one table a feature view, each with a `known_at` column, the instant its row was known."""
    events: Callable[[pd.DataFrame], pd.DataFrame]
    """Refined events → ROW_ID, EVENT_TIME, LABEL, join keys and request features, one row a decision."""


def load(loop: str) -> DataContract:
    """The contract of a loop. ConfigError if feature_store has no folder of that name."""
    try:
        module = importlib.import_module(f"feature_store.{loop}")
        contract: DataContract = module.contract()
    except (ModuleNotFoundError, AttributeError) as error:
        if isinstance(error, ModuleNotFoundError) and error.name != f"feature_store.{loop}":
            raise
        known = sorted(path.parent.name for path in Path(__file__).parent.glob("*/definitions.py"))
        raise ConfigError(f"feature_store/ has no loop {loop!r}.", f"Loops there: {', '.join(known)}.") from error
    return contract
