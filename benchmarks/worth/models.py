"""Model folders, made by the pipeline's own functions and kept: the same recipe, seed and days are fitted once."""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow.parquet as pq

from components.estimators import positive
from components.evaluate import Evaluation, evaluate
from components.plan import sample
from components.select import rank, select
from components.train import Result, train
from contracts.formats import BoosterClassifier, load
from contracts.loop import LoopSpec
from contracts.model import ModelCard
from contracts.window import Window
from feature_store.contract import DataContract
from feature_store.matrix import encode
from serving.drift.reference import Reference, prepare

SECONDS = "seconds.json"


@dataclass(frozen=True)
class Model:
    """A challenger's folder, and what its fit took."""

    folder: Path
    seconds: float

    def scores(self, rows: pd.DataFrame, threads: int) -> npt.NDArray[np.float64]:
        """Probability of the last class for each row."""
        card = ModelCard.read(self.folder)
        columns = {feature.name: rows[feature.name] for feature in card.features}
        return positive(load(self.folder, card, threads), encode(columns, card.features)).astype(np.float64)

    def reference(self, spec: LoopSpec) -> Reference:
        """What its windows are compared with."""
        card = ModelCard.read(self.folder)
        return prepare(pq.read_table(self.folder / "reference.parquet"), card.features, spec.drift, self._gain(card))

    def _gain(self, card: ModelCard) -> dict[str, float] | None:
        """Each feature's part of the loss that the splits of a booster took away; of other kinds none is known."""
        model = load(self.folder, card, 1)
        if not isinstance(model, BoosterClassifier):
            return None
        gain = model.booster.get_score(importance_type="total_gain")
        found = {feature.name: gain.get(f"f{place}", 0.0) for place, feature in enumerate(card.features)}
        return {name: float(np.sum(part)) for name, part in found.items()}


@dataclass(frozen=True)
class Workshop:
    """Trains and judges on one frame; what was made once is kept in `folder`."""

    frame: Path
    contract: DataContract
    folder: Path

    def search(self, spec: LoopSpec, window: Window) -> Result:
        """The best trial of the loop's own search on a window."""
        path = self.folder / f"search-{_key(spec, window, None)}.json"
        if not path.exists():
            results = [train(spec, self.contract, self.frame, window, trial) for trial in sample(spec.train)]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(rank(results, spec.train.metric)[0].model_dump_json())
        return Result.model_validate_json(path.read_bytes())

    def fit(self, spec: LoopSpec, window: Window, recipe: Result) -> Model:
        """What the step `select` makes of a recipe and a window."""
        folder = self.folder / f"model-{_key(spec, window, recipe)}"
        if not (folder / SECONDS).exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            started = perf_counter()
            select(spec, self.contract, self.frame, window, recipe, folder)
            (folder / SECONDS).write_text(json.dumps(perf_counter() - started))
        return Model(folder, json.loads((folder / SECONDS).read_text()))

    def judge(self, spec: LoopSpec, window: Window, challenger: Model, champion: Model | None) -> Evaluation:
        """What the step `evaluate` says of a challenger."""
        other = champion.folder if champion else None
        name = other.name if other else None
        return evaluate(spec, self.contract, self.frame, window, challenger.folder, other, name).evaluation


def _key(spec: LoopSpec, window: Window, recipe: Result | None) -> str:
    """Names what a fit depends on."""
    search = spec.train.model_dump_json() if recipe is None else recipe.trial.to_json()
    body = f"{search} {spec.train.seed} {spec.train.threads} {spec.drift.reference_rows}"
    return f"{window.start:%m%d}-{window.end:%m%d}-{hashlib.sha256(body.encode()).hexdigest()[:12]}"
