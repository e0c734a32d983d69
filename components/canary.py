"""The two versions' rows in the event log, as far as one step of a rollout goes: how many, how they were answered, and
what both registered models say of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from components.arms import Arm, Floats, Shadow
from components.estimators import positive
from components.registry import Registry, Version
from contracts.errors import DataError
from contracts.formats import Classifier, load
from contracts.model import Feature, ModelCard
from contracts.objects import ObjectStore
from feature_store.contract import LABEL, ROW_ID
from feature_store.matrix import encode

MAX_SHADOW_ROWS = 5000
"""Of each version, scored again at a look: more tell nothing new."""
_ANSWER = (ROW_ID, "score", "error", "seconds", "event_id")


class Log(Protocol):
    """What is read of the event log."""

    def rows(self, version: str, since: datetime | None, columns: Sequence[str] | None) -> pa.Table:
        """Rows of a version that were stored since, each once; of `columns` those that there are."""
        ...

    def labels(self, since: datetime | None) -> pa.Table:
        """Columns row_id and label, stored since."""
        ...


@dataclass(frozen=True)
class Model:
    """A registered version, read and verified."""

    number: str
    card: ModelCard
    classifier: Classifier

    @classmethod
    def fetch(cls, version: Version, store: ObjectStore, folder: Path) -> Model:
        """Its files into a folder. IntegrityError if they are not what was registered."""
        store.get_folder(version.model_uri, folder)
        card = ModelCard.read(folder)
        card.verify(folder, version.card_sha256)
        return cls(version.number, card, load(folder, card))

    def scores(self, rows: pa.Table) -> Floats:
        """Probability of the last class of each row. DataError if a feature is no number where it should be one."""
        columns = {feature.name: _values(rows[feature.name], feature) for feature in self.card.features}
        return np.asarray(positive(self.classifier, encode(columns, self.card.features)), dtype=np.float64)


@dataclass(frozen=True)
class Canary:
    """A version that is being rolled out beside the stable one."""

    log: Log
    canary: Model
    stable: Model

    def counts(self, since: datetime) -> tuple[int, int]:
        """Rows of both versions."""
        models = (self.canary, self.stable)
        canary, stable = (self.log.rows(model.number, since, [ROW_ID]).num_rows for model in models)
        return canary, stable

    def compare(self, since: datetime) -> tuple[Arm, Arm, Shadow | None]:
        """What both answered, and both models' scores of it; no Shadow where rows lack features of one of them."""
        names = [feature.name for model in (self.canary, self.stable) for feature in model.card.features]
        wanted = list(dict.fromkeys([*_ANSWER, *names]))
        ours, theirs = (self.log.rows(model.number, since, wanted) for model in (self.canary, self.stable))
        return arm(ours), arm(theirs), self._shadow(ours, theirs, set(names), since)

    def _shadow(self, ours: pa.Table, theirs: pa.Table, features: set[str], since: datetime) -> Shadow | None:
        ours, theirs = (rows.filter(pc.is_valid(rows["score"])).slice(0, MAX_SHADOW_ROWS) for rows in (ours, theirs))
        complete = [rows for rows in (ours, theirs) if features <= set(rows.column_names) and rows.num_rows]
        if not complete or complete[0] is not ours:
            return None
        canary = [self.canary.scores(rows) for rows in complete]
        ids = [row_id for rows in complete for row_id in rows[ROW_ID].to_pylist()]
        return Shadow(
            canary=np.concatenate(canary),
            stable=np.concatenate([self.stable.scores(rows) for rows in complete]),
            labels=self._labels(ids, since),
            groups=np.concatenate([requests_of(rows) + place * MAX_SHADOW_ROWS for place, rows in enumerate(complete)]),
            strayed=np.abs(canary[0] - ours["score"].to_numpy()),
        )

    def _labels(self, row_ids: list[str], since: datetime) -> npt.NDArray[np.int8]:
        found = self.log.labels(since)
        known = dict(zip(found[ROW_ID].to_pylist(), found[LABEL].to_pylist(), strict=True))
        places = {label: place for place, label in enumerate(self.canary.card.labels)}
        return np.array([places.get(str(known.get(row_id)), -1) for row_id in row_ids], dtype=np.int8)


class Models:
    """The version that is being rolled out and, fetched when one is known, the stable one."""

    def __init__(self, registry: Registry, store: ObjectStore, version: Version, folder: Path) -> None:
        self.registry, self.store, self.version, self.folder = registry, store, version, folder
        self._fetched: dict[str, Model] = {}

    def beside(self, stable: str, log: Log) -> Canary:
        """Both, with their rows. ConfigError if the stable version is not registered."""
        return Canary(log, self._model(self.version.number), self._model(stable))

    def _model(self, number: str) -> Model:
        if number not in self._fetched:
            version = self.registry.resolve(f"{self.version.loop}/{number}")
            self._fetched[number] = Model.fetch(version, self.store, self.folder / number)
        return self._fetched[number]


def arm(rows: pa.Table) -> Arm:
    """The answers of one version, by request."""
    seconds, failed = rows["seconds"].to_numpy(), rows["error"].is_valid().to_numpy()
    frame = pd.DataFrame({"request": requests_of(rows), "seconds": seconds, "failed": failed})
    requests = frame.groupby("request", sort=False).agg({"seconds": "first", "failed": "any"})
    scores = rows["score"].drop_null().to_numpy()
    return Arm(
        rows=rows.num_rows,
        seconds=requests["seconds"].to_numpy(np.float64),
        failed=requests["failed"].to_numpy(np.bool_),
        scores=np.asarray(scores, dtype=np.float64),
    )


def requests_of(rows: pa.Table) -> npt.NDArray[np.int64]:
    """A number for each row, the same for those of one request: of one event, with the very same time taken."""
    frame = rows.select(["event_id", "seconds"]).to_pandas()
    alone = ~(frame["seconds"] > 0)  # not timed: nothing tells its rows apart
    frame["row"] = np.where(alone, np.arange(len(frame)), -1)
    numbers = frame.groupby(["event_id", "seconds", "row"], sort=False, dropna=False).ngroup()
    return np.asarray(numbers, dtype=np.int64)


def _values(column: pa.ChunkedArray, feature: Feature) -> list[Any]:
    """As the predictor had them. A column is text if any client ever sent text in it, such as in a row that failed."""
    if feature.categories is not None:
        return list(column.to_pylist())
    try:
        return list(column.cast(pa.float64()).to_pylist())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise DataError(f"Logged feature {feature.name!r} is a number; {error}.") from error
