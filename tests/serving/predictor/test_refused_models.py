"""A model that is not what its card says, or could run code, ends the process before it is ready."""

from __future__ import annotations

import io
import json
import pickle
import shutil
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path

import joblib
import numpy as np
import pytest
import skops.io
import xgboost
from predictor_process import Bundle, command, free_port, write_card
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from contracts.errors import DriftloopError, IntegrityError, from_line
from contracts.model import CARD, Feature, ModelCard
from serving.predictor.folder import open_plane
from serving.predictor.options import Options

X = np.array([[0, 1, 0], [1, 0, 0], [1, 1, 1], [0, 0, 1]], dtype=np.float32)
Y = [0, 1, 1, 0]
ABC = tuple(Feature(name=name) for name in "abc")


def unchanged(values: object) -> object:
    """A function of ours inside an estimator: a type that nobody trusts."""
    return values


@pytest.fixture
def folder(flights: Bundle, tmp_path: Path) -> Path:
    """A copy of a good model folder."""
    return Path(shutil.copytree(flights.folder, tmp_path / "model"))


def change_a_byte(folder: Path) -> None:
    """The model file differs from its digest."""
    body = bytearray((folder / "model.ubj").read_bytes())
    body[-1] ^= 1
    (folder / "model.ubj").write_bytes(body)


def remove_the_card(folder: Path) -> None:
    """No card."""
    (folder / CARD).unlink()


def remove_the_model(folder: Path) -> None:
    """A listed file is missing."""
    (folder / "model.ubj").unlink()


def add_a_pickle(folder: Path) -> None:
    """A file that nobody lists, but somebody may load."""
    (folder / "model.pkl").write_bytes(pickle.dumps(Y))


def pickle_for_ubj(folder: Path) -> None:
    """A pickle by the name and the digest of the model."""
    _replace(folder, pickle.dumps(Y))


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (change_a_byte, "model.ubj has sha256"),
        (remove_the_card, f"has no {CARD}"),
        (remove_the_model, "model.ubj is missing"),
        (add_a_pickle, "model.pkl is in a format that can run code"),
        (pickle_for_ubj, "model.ubj is not XGBoost UBJ"),
    ],
)
def test_the_process_ends(folder: Path, spoil: Callable[[Path], None], message: str) -> None:
    """Its exit code and one line on stderr tell why, without a traceback."""
    spoil(folder)
    error = ended(folder, 8)
    assert isinstance(error, IntegrityError)
    assert message in error.what


def test_another_card_than_the_pinned_one(folder: Path) -> None:
    """A whole folder in place of the deployed one is refused by the digest of its card."""
    error = ended(folder, 8, "--card-sha256", "0" * 64)
    assert f"{CARD} has sha256" in error.what


def ended(folder: Path, code: int, *arguments: str) -> DriftloopError:
    """The error of a predictor that ends by itself with this exit code."""
    ports = ("--http-port", str(free_port()), "--grpc-port", str(free_port()))
    line = command("--name", "flights", "--model-dir", folder, *ports, *arguments)
    process = subprocess.run(line, capture_output=True, text=True, timeout=60, check=False)
    assert (process.returncode, "Traceback" in process.stderr) == (code, False), process.stderr
    (error,) = filter(None, map(from_line, process.stderr.splitlines()))
    return error


def skops_of(estimator: object) -> bytes:
    """A file as skops writes it."""
    body: bytes = skops.io.dumps(estimator)
    return body


def zip_without_schema() -> bytes:
    """A zip that is no skops file."""
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w") as archive:
        archive.writestr("data.pkl", pickle.dumps(Y))
    return body.getvalue()


def joblib_bytes() -> bytes:
    """A file as joblib writes it."""
    body = io.BytesIO()
    joblib.dump(LogisticRegression().fit(X, Y), body)
    return body.getvalue()


FILES: dict[str, tuple[Callable[[], bytes], str]] = {
    "pickle": (lambda: pickle.dumps(LogisticRegression()), "not a skops file"),
    "joblib": (joblib_bytes, "not a skops file"),
    "other zip": (zip_without_schema, "not a readable skops file"),
    "cut skops": (lambda: skops_of(LogisticRegression().fit(X, Y))[:500], "not a skops file"),
    "untrusted type": (
        lambda: skops_of(make_pipeline(FunctionTransformer(unchanged), LogisticRegression()).fit(X, Y)),
        "unchanged",
    ),
    "no classifier": (lambda: skops_of(Ridge().fit(X, Y)), "Ridge without predict_proba"),
    "other features": (lambda: skops_of(LogisticRegression().fit(X[:, :2], Y)), "features 2, its card 3"),
    "other labels": (lambda: skops_of(LogisticRegression().fit(X, [0, 1, 2, 1])), "labels 3, its card 2"),
}


@pytest.mark.parametrize(("body", "message"), FILES.values(), ids=FILES)
def test_a_skops_file_that_is_none(tmp_path: Path, body: Callable[[], bytes], message: str) -> None:
    """Content decides, not the name, and only scikit-learn's own types are read."""
    (tmp_path / "model.skops").write_bytes(body())
    write_card(tmp_path, "sklearn-skops", "model.skops", ABC, ("no", "yes"))
    _assert_refused(tmp_path, message)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "is not XGBoost UBJ"),
        (pickle.dumps(Y, protocol=0), "is not XGBoost UBJ"),
        (b"{", "not a readable XGBoost model"),
        (b'{"learner": 1}', "not a readable XGBoost model"),
    ],
)
def test_a_ubj_file_that_is_none(folder: Path, body: bytes, message: str) -> None:
    """The same for XGBoost."""
    _replace(folder, body)
    _assert_refused(folder, message)


@pytest.mark.parametrize(
    ("objective", "types", "names", "message"),
    [
        ("reg:squarederror", "qqcq", None, "objective is reg:squarederror; expected binary:logistic"),
        ("binary:logistic", "qqqq", None, "feature types ['q', 'q', 'q', 'q'], its card"),
        ("binary:logistic", "qqc", None, "features 3, its card 4"),
        ("binary:logistic", "qqcq", ["hour", "distance", "carrier", "holiday"], "feature names ['hour', 'distance'"),
    ],
)
def test_a_booster_against_its_card(
    folder: Path, objective: str, types: str, names: list[str] | None, message: str
) -> None:
    """A booster of another objective or of other features than its card's, or in another order, is refused."""
    values = np.zeros((4, len(types)))
    data = xgboost.DMatrix(values, Y, feature_names=names, feature_types=list(types), enable_categorical=True)
    booster = xgboost.train({"objective": objective, "nthread": 1}, data, 1)
    _replace(folder, bytes(booster.save_raw("ubj")))
    _assert_refused(folder, message)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"labels": ["late"]}, "1 labels; expected at least 2"),
        ({"labels": ["late", "late"]}, "label 'late' more than once"),
        ({"features": []}, "0 features; expected at least 1"),
        ({"model_file": "../model.ubj"}, "no digest for its model file"),
        ({"format": "pickle"}, "not a model card"),
    ],
)
def test_a_card_that_cannot_be(folder: Path, changed: dict[str, object], message: str) -> None:
    """A card that contradicts itself is refused."""
    card = json.loads((folder / CARD).read_text())
    (folder / CARD).write_text(json.dumps(card | changed))
    _assert_refused(folder, message)


def _replace(folder: Path, body: bytes) -> None:
    (folder / "model.ubj").write_bytes(body)
    card = ModelCard.read(folder)
    write_card(folder, card.format, "model.ubj", card.features, card.labels)


def _assert_refused(folder: Path, message: str) -> None:
    with pytest.raises(IntegrityError) as error:
        open_plane(_options(folder))
    assert message in str(error.value)


def _options(folder: Path) -> Options:
    return Options.parse(["--name", "flights", "--model-dir", str(folder)], {})
