"""An event log in memory, and rows as the predictor would have logged them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from components.canary import Model
from components.estimators import positive
from contracts.errors import UnavailableError
from contracts.formats import load
from contracts.model import ModelCard
from feature_store.matrix import encode

ANSWERS = pa.schema(
    {
        "row_id": pa.string(),
        "event_timestamp": pa.timestamp("us", "UTC"),
        "model_version": pa.string(),
        "revision": pa.string(),
        "score": pa.float64(),
        "error": pa.string(),
        "seconds": pa.float64(),
        "event_id": pa.string(),
    }
)
LABELS = pa.schema({"row_id": pa.string(), "label": pa.string()})


@dataclass
class MemoryLog:
    """Rows by version; another dict for each step, the last one for all that follow."""

    steps: list[dict[str, pa.Table]]
    known: pa.Table = field(default_factory=LABELS.empty_table)
    away: bool = False
    seen: list[datetime] = field(default_factory=list)

    def rows(self, version: str, since: datetime | None, columns: Sequence[str] | None) -> pa.Table:
        """As the event log's."""
        if self.away:
            raise UnavailableError("The S3 server does not answer.")
        assert since is not None
        if since not in self.seen:
            self.seen.append(since)
        step = self.steps[min(self.seen.index(since), len(self.steps) - 1)]
        table = step.get(version, ANSWERS.empty_table())
        return table if columns is None else table.select([name for name in columns if name in table.column_names])

    def labels(self, since: datetime | None) -> pa.Table:
        """As the event log's."""
        return self.known


def model(folder: Path, number: str) -> Model:
    """A written model folder."""
    card = ModelCard.read(folder)
    return Model(number, card, load(folder, card))


def logged(
    version: Model, frame: Path, rows: int, seed: int, error_share: float = 0.0, slower: float = 1.0
) -> pa.Table:
    """Requests of one row each, scored by the version's own model."""
    generator = np.random.default_rng(seed)
    names = [feature.name for feature in version.card.features]
    sample = pd.read_parquet(frame).sample(rows, random_state=seed, replace=True)[names].reset_index(drop=True)
    matrix = encode({name: sample[name] for name in names}, version.card.features)
    scores = positive(version.classifier, matrix).astype(np.float64)
    failed = generator.uniform(size=rows) < error_share
    answers = {
        "row_id": [f"{version.number}-{seed}-{place}" for place in range(rows)],
        "event_timestamp": pd.Timestamp("2013-03-01", tz="UTC"),
        "model_version": version.number,
        "revision": f"flights-predictor-{int(version.number):05d}",
        "score": np.where(failed, np.nan, scores),
        "error": ["it broke" if each else None for each in failed],
        "seconds": slower * generator.lognormal(-5, 0.3, rows),
        "event_id": [f"{version.number}-{place // 20}" for place in range(rows)],
    }
    table = pa.Table.from_pandas(pd.DataFrame(answers).join(sample), preserve_index=False)
    schema = pa.schema([ANSWERS.field(f.name) if f.name in ANSWERS.names else f for f in table.schema])
    return table.cast(schema.remove_metadata())
