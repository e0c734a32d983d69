"""What a loaded model may take, and what it computes with."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import skops.io
import xgboost
from predictor_process import write_card
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from contracts.formats import EstimatorClassifier
from contracts.model import Feature
from serving.errors import InvalidRequestError
from serving.predictor.classifier import ServedClassifier, load

X = np.array([[0, 1, 0], [1, 0, 0], [1, 1, 1], [0, 0, 1]], dtype=np.float32)
Y = [0, 1, 1, 0]
ABC = tuple(Feature(name=name) for name in "abc")


def served(folder: Path, estimator: object, threads: int = 1) -> ServedClassifier:
    """An estimator by way of its file."""
    (folder / "model.skops").write_bytes(skops.io.dumps(estimator))
    return load(folder, write_card(folder, "sklearn-skops", "model.skops", ABC, ("no", "yes")), threads)


def test_missing_values_are_asked_of_the_model(tmp_path: Path) -> None:
    """A pipeline with an imputer takes missing values, one without does not."""
    assert not served(tmp_path, LogisticRegression().fit(X, Y)).accepts_missing
    assert served(tmp_path, make_pipeline(SimpleImputer(), LogisticRegression()).fit(X, Y)).accepts_missing


def test_a_value_that_scikit_learn_refuses_is_the_clients_mistake(tmp_path: Path) -> None:
    """A category that an encoder never saw is told, not a failure of the server."""
    classifier = served(tmp_path, make_pipeline(OneHotEncoder(), LogisticRegression()).fit(X, Y))
    with pytest.raises(InvalidRequestError, match="unknown categories"):
        classifier.probabilities(np.array([[7, 0, 0]], dtype=np.float32))


def test_threads_are_bounded(tmp_path: Path) -> None:
    """A model trained on all processors predicts on as many as it is given."""
    forest = make_pipeline(SimpleImputer(), RandomForestClassifier(3, n_jobs=-1)).fit(X, Y)
    model = served(tmp_path, forest, threads=2).model
    assert isinstance(model, EstimatorClassifier)
    assert model.estimator.get_params()["randomforestclassifier__n_jobs"] == 2


def test_a_booster_of_several_classes(tmp_path: Path) -> None:
    """multi:softprob gives a probability a label, those of the native library."""
    data = xgboost.DMatrix(X, [0, 1, 2, 1])
    booster = xgboost.train({"objective": "multi:softprob", "num_class": 3, "nthread": 1}, data, 3)
    booster.save_model(tmp_path / "model.ubj")
    card = write_card(tmp_path, "xgboost-ubj", "model.ubj", ABC, ("low", "middle", "high"))
    classifier = load(tmp_path, card, threads=1)
    np.testing.assert_array_equal(classifier.probabilities(X), booster.predict(data))
