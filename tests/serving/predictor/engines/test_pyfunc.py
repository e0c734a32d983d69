"""Any MLflow model, by leave of whoever starts the predictor."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import mlflow.pyfunc
import numpy as np
import pandas as pd
import pytest
from mlflow.pyfunc.model import PythonModel

from contracts.errors import IntegrityError
from contracts.formats import load
from contracts.model import Feature, ModelCard, sha256_of
from serving.predictor.folder import open_plane
from serving.predictor.options import Options

FEATURES = (Feature(name="distance"), Feature(name="carrier", categories=("AA", "UA")))


class Fare(PythonModel):
    """A model in plain Python, which wants every distance."""

    def predict(self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> Any:
        """A fare for each row."""
        if model_input["distance"].isna().any():
            raise RuntimeError("no distance")
        return model_input["distance"] / 10 + model_input["carrier"].map({"AA": 1.0, "UA": 2.0}).fillna(0)


class Late(PythonModel):
    """Two probabilities a row."""

    def predict(self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> Any:
        """Late from a distance of 100 on."""
        late = (model_input["distance"] > 100).to_numpy(float)
        return np.stack([1 - late, late], axis=1)


def saved(folder: Path, model: Any, **fields: Any) -> Path:
    """A model as MLflow saves it, with our card."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # MLflow on models without type hints and signatures
        mlflow.pyfunc.save_model(str(folder), python_model=model, pip_requirements=[])
    files = {path.relative_to(folder).as_posix(): sha256_of(path) for path in folder.rglob("*") if path.is_file()}
    whole: dict[str, Any] = {
        "loop": "fares",
        "kind": "formula",
        "format": "mlflow-pyfunc",
        "model_file": "MLmodel",
        "features": FEATURES,
        "files": files,
        **fields,
    }
    ModelCard.model_validate(whole).write(folder)
    return folder


@pytest.fixture
def fares(tmp_path: Path) -> Path:
    """A regression."""
    return saved(tmp_path / "fares", Fare(), task="regression", labels=[])


def options(folder: Path, *arguments: str) -> Options:
    """Of a predictor."""
    return Options.parse(["--name", "fares", "--model-dir", str(folder), *arguments], {})


def test_it_is_refused_without_leave(fares: Path) -> None:
    """Loading it runs code: whoever starts the predictor has to say so. Steps of the pipeline never load it."""
    with pytest.raises(IntegrityError, match=r"can run code when it is loaded\. Start the predictor with --allow-code"):
        open_plane(options(fares))
    with pytest.raises(IntegrityError, match="loaded by a predictor only"):
        load(fares, ModelCard.read(fares))


def test_it_takes_columns_by_name(fares: Path) -> None:
    """A frame of the features, categories as text, gives one number a row."""
    plane = open_plane(options(fares, "--allow-code"))
    rows = plane.from_columns({"distance": [100, 200.0], "carrier": ["UA", "AA"]})
    prediction = plane.predict(rows)
    assert prediction.probabilities.tolist() == [[12.0], [21.0]]
    assert prediction.labels is None
    assert not plane.classifier.accepts_missing


def test_labels_of_a_classification(tmp_path: Path) -> None:
    """A model that gives a probability a label is a classifier."""
    folder = saved(tmp_path / "late", Late(), labels=["on time", "late"])
    plane = open_plane(options(folder, "--allow-code"))
    found = plane.predict(plane.from_columns({"distance": [50, 150], "carrier": ["never seen", "AA"]}))
    assert found.labels == ("on time", "late")


def test_answers_of_another_shape(tmp_path: Path) -> None:
    """A model that gives no probabilities is refused before it serves."""
    folder = saved(tmp_path / "model", Fare(), labels=["on time", "late"])
    with pytest.raises(IntegrityError, match=r"answers \[1\] to 1 rows; expected \[1, 2\]"):
        open_plane(options(folder, "--allow-code"))


def test_every_file_must_be_listed(fares: Path) -> None:
    """A file beside it that the card does not list could be code that is run."""
    (fares / "code").mkdir()
    (fares / "code" / "more.py").write_text("")
    with pytest.raises(IntegrityError, match=r"no digest for code/more\.py"):
        open_plane(options(fares, "--allow-code"))


def test_a_changed_file_is_refused_unread(fares: Path) -> None:
    """Digests are checked before anything is loaded."""
    (fares / "python_model.pkl").write_bytes(b"other")
    with pytest.raises(IntegrityError, match=r"python_model\.pkl has sha256"):
        open_plane(options(fares, "--allow-code"))


def test_a_model_that_cannot_be_loaded(tmp_path: Path) -> None:
    """What its code raises ends in words."""
    folder = saved(tmp_path / "model", Fare(), task="regression", labels=[])
    (folder / "python_model.pkl").write_bytes(b"no pickle")
    card = ModelCard.read(folder)
    files = {**card.files, "python_model.pkl": sha256_of(folder / "python_model.pkl")}
    card.model_copy(update={"files": files}).write(folder)
    with pytest.raises(IntegrityError, match="The MLflow model cannot be loaded"):
        open_plane(options(folder, "--allow-code"))
