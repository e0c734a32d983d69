"""Which engine serves a folder, and what is loaded for it."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from engine_parts import FEATURES, TRAINING, Folder, folder_of, rows_of

from contracts.errors import IntegrityError
from contracts.fast import FastModel
from contracts.formats import EstimatorClassifier
from contracts.model import CARD, VALUE, ModelCard, sha256_of
from serving.predictor import classifier
from serving.predictor.dataplane import DataPlane
from serving.predictor.engines.chosen import Chosen
from serving.predictor.engines.xgboost_engine import XGBoostEngine

FOREIGN = ("xgboost", "sklearn", "scipy", "pandas", "mlflow", "onnx", "kserve")
LOADED = """
import sys
from pathlib import Path
import numpy as np
from contracts.model import ModelCard
from serving.predictor.classifier import load
folder = Path(sys.argv[1])
engine = load(folder, ModelCard.read(folder), 1)
for rows in (1, 2000):
    engine.probabilities(np.zeros((rows, int(sys.argv[2])), np.float32))
print(*(name for name in sys.argv[3:] if name in sys.modules))
"""


@pytest.fixture(scope="module")
def xgboost_folder(tmp_path_factory: pytest.TempPathFactory) -> Folder:
    """A booster, its fast form, its card."""
    return folder_of("xgboost", tmp_path_factory.mktemp("xgboost"))


@pytest.fixture
def forest(tmp_path: Path) -> Folder:
    """The same of a random forest."""
    return folder_of("random forest", tmp_path)


def test_a_booster_needs_no_package(xgboost_folder: Folder) -> None:
    """Serving XGBoost imports neither its package nor what that brings."""
    assert imported(xgboost_folder) == []


def test_a_forest_with_a_fast_form_needs_no_scikit_learn(forest: Folder) -> None:
    """Nor does a scikit-learn model that has a fast form; without it, it does."""
    assert imported(forest) == []
    assert "sklearn" in imported(forest.changed(fast=None))


def imported(folder: Folder) -> list[str]:
    """What a process has imported of FOREIGN after a few predictions."""
    line = [sys.executable, "-c", LOADED, str(folder.path), str(len(FEATURES)), *FOREIGN]
    return subprocess.run(line, capture_output=True, text=True, timeout=60, check=True).stdout.split()


def test_a_changed_fast_form_is_refused(forest: Folder) -> None:
    """It has a digest in the card like every other file."""
    body = bytearray((forest.path / "model.onnx").read_bytes())
    body[-1] ^= 1
    (forest.path / "model.onnx").write_bytes(body)
    with pytest.raises(IntegrityError, match=r"model\.onnx has sha256"):
        ModelCard.read(forest.path).verify(forest.path)


def test_a_fast_form_without_digest_is_refused(forest: Folder) -> None:
    """A card that names a fast form vouches for it."""
    files = {name: digest for name, digest in forest.card.files.items() if name != "model.onnx"}
    with pytest.raises(IntegrityError, match=r"no digest for its model file model\.onnx"):
        forest.changed(files=files).card.verify(forest.path)


def test_a_fast_form_of_another_model(forest: Folder, tmp_path_factory: pytest.TempPathFactory) -> None:
    """One that takes or gives something else than its card says never serves."""
    other = folder_of("random forest of three", tmp_path_factory.mktemp("other"))
    (forest.path / "model.onnx").write_bytes((other.path / "model.onnx").read_bytes())
    with pytest.raises(IntegrityError, match="outputs in its fast form 3, its card 2"):
        classifier.load(forest.path, forest.card, 1)
    with pytest.raises(IntegrityError, match="features in its fast form 8, its card 3"):
        classifier.load(other.path, other.changed(features=FEATURES[:3]).card, 1)


def test_bytes_that_are_no_fast_form() -> None:
    """They are refused in words."""
    with pytest.raises(IntegrityError, match="The fast form cannot be read"):
        FastModel(b"no model")


def test_a_version_without_fast_form(xgboost_folder: Folder, caplog: pytest.LogCaptureFixture) -> None:
    """Where none could be verified the native engine serves, and the log says why."""
    card = xgboost_folder.card.model_copy(update={"fast": None, "no_fast": "It has no fast form: it strays."})
    with caplog.at_level(logging.INFO):
        engine = classifier.load(xgboost_folder.path, card, 1)
    assert isinstance(engine.model, XGBoostEngine)
    assert "served by its own library. It has no fast form: it strays." in caplog.text


def test_another_runtime_than_it_was_verified_with(xgboost_folder: Folder, caplog: pytest.LogCaptureFixture) -> None:
    """A minor release of ONNX Runtime may answer otherwise: then the native engine serves."""
    assert xgboost_folder.card.fast is not None
    older = xgboost_folder.card.fast.model_copy(update={"runtime": "onnxruntime 1.0.0"})
    engine = classifier.load(xgboost_folder.path, xgboost_folder.card.model_copy(update={"fast": older}), 1)
    assert isinstance(engine.model, XGBoostEngine)
    assert "its fast form was verified with onnxruntime 1.0.0" in caplog.text


def test_a_card_from_before_fast_forms(forest: Folder) -> None:
    """It says nothing of task and fast form: a classification, served natively."""
    card = json.loads((forest.path / CARD).read_text())
    for name in ("task", "fast", "no_fast"):
        del card[name]
    (forest.path / CARD).write_text(json.dumps(card))
    read = ModelCard.read(forest.path)
    read.verify(forest.path)
    assert (read.task, read.fast, read.outputs) == ("classification", None, ("label 0", "label 1"))
    assert isinstance(classifier.load(forest.path, read, 1).model, EstimatorClassifier)


def test_a_scikit_learn_model_outlives_its_folder(forest: Folder) -> None:
    """Its native engine is opened when it is asked, which may be long after the folder is gone."""
    expected = forest.native.probabilities(TRAINING)
    engine = classifier.load(forest.path, forest.card, 1).model
    assert isinstance(engine, Chosen)
    (forest.path / forest.card.model_file).unlink()
    np.testing.assert_array_equal(engine._native(TRAINING), expected)


def test_a_regression_has_values_and_no_labels(tmp_path: Path) -> None:
    """Its answer is one number a row, under one name."""
    folder = folder_of("xgboost regression", tmp_path)
    plane = DataPlane("trips", "1", folder.card, classifier.load(tmp_path, folder.card, 1), 1000)
    prediction = plane.predict(rows_of(5, 2))
    assert prediction.labels is None
    assert prediction.probabilities.shape == (5, 1)
    assert folder.card.outputs == (VALUE,)


def test_a_regression_is_no_classifier(tmp_path: Path) -> None:
    """A card of one task over a model of the other is refused."""
    folder = folder_of("xgboost regression", tmp_path)
    with pytest.raises(IntegrityError, match="objective is reg:squarederror; expected binary:logistic"):
        classifier.load(tmp_path, folder.changed(task="classification", labels=["no", "yes"]).card, 1)
    with pytest.raises(IntegrityError, match="names 2 labels; expected none"):
        classifier.load(tmp_path, folder.changed(labels=["no", "yes"]).card, 1)


def test_linear_boosters_are_served_by_their_package(tmp_path: Path) -> None:
    """The library reads no plain matrix for them."""
    import xgboost

    labels = (TRAINING[:, 2] > 0).astype(int)
    numbers = np.nan_to_num(TRAINING[:, 2:])
    trained = xgboost.train(
        {"booster": "gblinear", "objective": "binary:logistic"}, xgboost.DMatrix(numbers, labels), 3
    )
    (tmp_path / "model.ubj").write_bytes(trained.save_raw("ubj"))
    card = ModelCard.model_validate(
        {
            "loop": "trips",
            "kind": "xgboost",
            "format": "xgboost-ubj",
            "model_file": "model.ubj",
            "features": FEATURES[2:],
            "labels": ["no", "yes"],
            "files": {"model.ubj": sha256_of(tmp_path / "model.ubj")},
        }
    )
    found = classifier.load(tmp_path, card, 1).probabilities(numbers)
    np.testing.assert_array_equal(found[:, 1], trained.predict(xgboost.DMatrix(numbers)))
