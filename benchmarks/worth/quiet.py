"""Silence where nothing drifts: held-out rows of the training months, shuffled in time, must lead to no run.

The model is trained on seven tenths of January's and February's rows, drawn at random; the others are asked about again
and again, each time in another order. Cooldown and time of service are set to nothing, so that it is the statistics
that keep quiet. What is expected of the ROC AUC is what the held-out rows themselves give.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from components import metrics
from components.train import Result
from contracts.loop import LoopSpec
from contracts.window import Window
from feature_store.contract import EVENT_TIME, LABEL, LABEL_TIME
from worth.models import Workshop
from worth.play import play
from worth.traffic import Traffic
from worth.watch import version

REQUESTS = 50_000
_SHARE = 0.7
_STEP = timedelta(seconds=90)
"""Between two requests, about as in the year."""


@dataclass(frozen=True)
class Quiet:
    """What the replay led to."""

    requests: int
    windows: int
    warnings: int
    drifted: int
    runs: int


def quiet(workshop: Workshop, spec: LoopSpec, window: Window, recipe: Result) -> Quiet:
    """Replay REQUESTS held-out rows."""
    kept, held_out = _split(workshop, window, spec.train.seed)
    own = Workshop(kept, workshop.contract, workshop.folder / f"quiet-{spec.train.seed}")
    model = own.fit(spec, window, recipe)
    traffic = Traffic.ordered(_shuffled(held_out, spec.train.seed), spec.data.label_delay_hours)
    labelled = held_out[held_out[LABEL].notna()]
    scores = model.scores(labelled, spec.train.threads).astype(np.float32)
    expected = metrics.roc_auc(labelled[LABEL].to_numpy().astype(np.int8), scores)
    bare = spec.model_copy(
        update={"retrain": spec.retrain.model_copy(update={"cooldown_days": 0, "min_service_days": 0})}
    )
    first = version(bare, traffic, 1, model, expected, 0)
    played = play(own, bare, traffic, first, lambda _: recipe, 0.0, is_dry=True)
    full = [drift for drift in played.history if drift.performance is None]
    return Quiet(
        requests=REQUESTS,
        windows=len(full),
        warnings=sum(drift.verdict == "warning" for drift in full),
        drifted=len({drift.window for drift in played.history if drift.verdict == "drift"}),
        runs=played.started,
    )


def _split(workshop: Workshop, window: Window, seed: int) -> tuple[Path, pd.DataFrame]:
    """A frame of the rows to train on, and the other rows."""
    rows = pq.read_table(workshop.frame)
    times = rows[LABEL_TIME].to_pandas()
    inside = np.flatnonzero((times >= pd.Timestamp(window.start_time)) & (times < pd.Timestamp(window.end_time)))
    chosen = np.random.default_rng(seed).uniform(size=len(inside)) < _SHARE
    path = workshop.folder / f"kept-{seed}.parquet"
    pq.write_table(rows.take(pa.array(inside[chosen])), path)
    return path, rows.take(pa.array(inside[~chosen])).to_pandas()


def _shuffled(rows: pd.DataFrame, seed: int) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    passes = [random.permutation(len(rows)) for _ in range(-(-REQUESTS // len(rows)))]
    asked = rows.iloc[np.concatenate(passes)[:REQUESTS]].reset_index(drop=True)
    times = pd.Timestamp(datetime(2013, 3, 1, tzinfo=UTC)) + pd.to_timedelta(np.arange(REQUESTS) * _STEP)
    return asked.assign(**{EVENT_TIME: times, LABEL_TIME: times + timedelta(hours=1)})
