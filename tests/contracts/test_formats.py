"""The two model formats: written the same for the same model, read only if they are what they say."""

from __future__ import annotations

import io
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest
import skops.io
import xgboost
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import FunctionTransformer

from contracts.errors import IntegrityError
from contracts.formats import library_of, load, require_library, skops_bytes
from contracts.model import Feature, ModelCard, sha256_of

GENERATOR = np.random.default_rng(0)
MATRIX = GENERATOR.normal(size=(300, 3)).astype(np.float32)
LABELS = (MATRIX[:, 0] > 0).astype(np.int8)


def _card(folder: Path, file_format: str, name: str) -> ModelCard:
    return ModelCard.model_validate(
        {
            "loop": "flights",
            "kind": "any",
            "format": file_format,
            "model_file": name,
            "features": [Feature(name=letter) for letter in "abc"],
            "labels": ["no", "yes"],
            "files": {name: sha256_of(folder / name)},
        }
    )


def test_skops_bytes_depend_on_the_model_alone() -> None:
    """Two fits at two times, with other memory in between, give the same bytes; they load to the same model."""
    first = skops_bytes(LogisticRegression().fit(MATRIX, LABELS))
    ballast = [np.zeros(77) for _ in range(100)]
    fitted = LogisticRegression().fit(MATRIX, LABELS)
    assert skops_bytes(fitted) == first
    assert len(ballast) == 100
    np.testing.assert_array_equal(skops.io.loads(first).predict_proba(MATRIX), fitted.predict_proba(MATRIX))


def test_trees_are_renumbered_right() -> None:
    """Many arrays, each where it belongs after renumbering."""
    forest = RandomForestClassifier(8, random_state=0).fit(MATRIX, LABELS)
    body = skops_bytes(forest)
    loaded = skops.io.loads(body, trusted=["sklearn.tree._tree.Tree"])
    np.testing.assert_array_equal(loaded.predict_proba(MATRIX), forest.predict_proba(MATRIX))


def test_a_foreign_function_is_not_saved() -> None:
    """What could not be loaded again is refused when it is saved."""
    with pytest.raises(IntegrityError, match="not allowed"):
        skops_bytes(FunctionTransformer(GENERATOR.normal))


def test_a_foreign_type_is_not_loaded(tmp_path: Path) -> None:
    """A skops file with a type outside the list never becomes an object."""
    (tmp_path / "model.skops").write_bytes(skops.io.dumps(FunctionTransformer(Path.unlink)))
    with pytest.raises(IntegrityError, match=r"not allowed: .*unlink"):
        load(tmp_path, _card(tmp_path, "sklearn-skops", "model.skops"))


@pytest.mark.parametrize("file_format", ["sklearn-skops", "xgboost-ubj"])
def test_a_pickle_by_another_name(tmp_path: Path, file_format: str) -> None:
    """The content decides, not the name: a pickle is refused unread."""
    (tmp_path / "model").write_bytes(pickle.dumps(_Bomb()))
    with pytest.raises(IntegrityError, match="is not"):
        load(tmp_path, _card(tmp_path, file_format, "model"))


class _Bomb:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return pytest.fail, ("the pickle was read",)


def test_a_broken_zip_and_a_broken_booster(tmp_path: Path) -> None:
    """Files of the right kind that cannot be read end in words."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("schema.json", "{}")
    (tmp_path / "model.skops").write_bytes(target.getvalue())
    with pytest.raises(IntegrityError, match="not a readable skops file"):
        load(tmp_path, _card(tmp_path, "sklearn-skops", "model.skops"))
    booster = xgboost.train({"objective": "binary:logistic"}, xgboost.DMatrix(MATRIX, LABELS), 2)
    (tmp_path / "model.ubj").write_bytes(booster.save_raw("ubj")[:-100])
    with pytest.raises(IntegrityError, match="not a readable XGBoost model"):
        load(tmp_path, _card(tmp_path, "xgboost-ubj", "model.ubj"))


def test_boosters_score_as_xgboost_does(tmp_path: Path) -> None:
    """Probabilities of both classes, the second bit for bit XGBoost's own."""
    booster = xgboost.train({"objective": "binary:logistic"}, xgboost.DMatrix(MATRIX, LABELS), 5)
    booster.save_model(tmp_path / "model.ubj")
    found = load(tmp_path, _card(tmp_path, "xgboost-ubj", "model.ubj")).probabilities(MATRIX)
    np.testing.assert_array_equal(found[:, 1], booster.predict(xgboost.DMatrix(MATRIX)))
    np.testing.assert_array_equal(found[:, 0], 1 - found[:, 1])


def test_another_version_of_the_library(tmp_path: Path) -> None:
    """A patch release answers the same, a minor one may not; a card that does not say is taken at its word."""
    (tmp_path / "model.ubj").write_bytes(b"{}")
    card = _card(tmp_path, "xgboost-ubj", "model.ubj")
    major, minor, _ = xgboost.__version__.split(".")
    for fine in (None, library_of("xgboost-ubj"), f"xgboost {major}.{minor}.99"):
        require_library(card.model_copy(update={"library": fine}))
    with pytest.raises(IntegrityError, match=r"written by xgboost 2\.1\.4, here is xgboost"):
        require_library(card.model_copy(update={"library": "xgboost 2.1.4"}))
