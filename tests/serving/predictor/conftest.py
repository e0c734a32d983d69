"""Small real models in folders of their own, and real predictor processes on free loopback ports."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import skops.io
import xgboost
from predictor_process import Bundle, Server, running, write_card
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from contracts.model import Feature
from feature_store.matrix import encode, feature_types

Serve = Callable[..., Server]
"""Starts a predictor of a folder with further arguments."""
FLIGHT_FEATURES = (
    Feature(name="distance"),
    Feature(name="hour"),
    Feature(name="carrier", categories=("AA", "UA", "DL")),
    Feature(name="holiday"),
)
FLIGHT_LABELS = ("on_time", "late")


@pytest.fixture(scope="session")
def flights(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """An XGBoost model with a categorical feature and missing values."""
    columns = _flight_columns(400)
    matrix = encode(columns, FLIGHT_FEATURES)
    late = (matrix[:, 1] > 15) ^ (matrix[:, 2] == 1)
    types = feature_types(FLIGHT_FEATURES)
    names = list(columns)
    data = xgboost.DMatrix(matrix, late, feature_names=names, feature_types=types, enable_categorical=True)
    settings = {"objective": "binary:logistic", "max_depth": 4, "seed": 1, "nthread": 1}
    booster = xgboost.train(settings, data, 20)
    folder = tmp_path_factory.mktemp("flights")
    booster.save_model(folder / "model.ubj")
    (folder / "MLmodel").write_text("flavors: {python_function: {loader_module: os}}\n")  # beside the card, never read
    card = write_card(folder, "xgboost-ubj", "model.ubj", FLIGHT_FEATURES, FLIGHT_LABELS)
    scores = booster.predict(data)
    return Bundle(folder, card, columns, matrix, np.stack([1 - scores, scores], axis=1))


@pytest.fixture(scope="session")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """A scikit-learn pipeline with three classes that fills missing values."""
    rng = np.random.default_rng(2)
    matrix = rng.normal(size=(300, 3)).astype(np.float32)
    features = tuple(Feature(name=name) for name in "abc")
    classes = (matrix[:, 0] > 0).astype(int) + (matrix[:, 1] > 1)
    estimator = make_pipeline(SimpleImputer(), LogisticRegression()).fit(matrix, classes)
    matrix[::5, 2] = np.nan
    folder = tmp_path_factory.mktemp("pipeline")
    skops.io.dump(estimator, folder / "model.skops")
    card = write_card(folder, "sklearn-skops", "model.skops", features, ("low", "middle", "high"))
    columns = {name: _with_none(matrix[:, index]) for index, name in enumerate("abc")}
    return Bundle(folder, card, columns, matrix, estimator.predict_proba(matrix).astype(np.float32))


@pytest.fixture(scope="session")
def flights_server(flights: Bundle, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The XGBoost model, served with small bounds. At the end its log must hold no traceback."""
    log = tmp_path_factory.mktemp("log") / "flights.log"
    bounds = ("--max-rows", "1000", "--max-body-bytes", "1000000", "--model-version", "7")
    with running(flights.folder, log, *bounds) as server:
        yield server
    assert "Traceback" not in log.read_text()


@pytest.fixture
def sturdy_server(flights_server: Server) -> Iterator[Server]:
    """The same server, which after the test must be ready and the same process."""
    yield flights_server
    assert flights_server.get("/v2/models/flights/ready")[0] == 200
    assert flights_server.process.poll() is None


@pytest.fixture(scope="session")
def pipeline_server(pipeline: Bundle, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The scikit-learn model, served. At the end its log must hold no traceback."""
    log = tmp_path_factory.mktemp("log") / "pipeline.log"
    with running(pipeline.folder, log, "--grpc-port", "0", "--log-requests") as server:
        yield server
    assert "Traceback" not in log.read_text()


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Start a predictor of a folder with more arguments; it ends with the test."""
    with ExitStack() as stack:
        yield lambda folder, *arguments, env=None: stack.enter_context(
            running(folder, tmp_path / "server.log", *arguments, env=env)
        )


def _flight_columns(rows: int) -> dict[str, list[Any]]:
    rng = np.random.default_rng(1)
    distance = rng.normal(800, 300, rows).astype(np.float32)
    distance[::7] = np.nan
    return {
        "distance": _with_none(distance),
        "hour": rng.integers(0, 24, rows).tolist(),
        "carrier": rng.choice(["AA", "UA", "DL", "never seen"], rows).tolist(),
        "holiday": (rng.random(rows) < 0.1).tolist(),
    }


def _with_none(values: npt.NDArray[np.float32]) -> list[float | None]:
    return [None if np.isnan(value) else value for value in values.tolist()]
